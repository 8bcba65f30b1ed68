#include "node/spooling/homes.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/io/crc32c.h"
#include "common/io/posix.h"

namespace flume::node {

namespace {

constexpr std::string_view kFirstLine = "FLHOMES1";
constexpr size_t kLongestNote = 16 << 20;
constexpr mode_t kMode = 0600;

Status damaged(std::string_view why) { return {Code::kCorrupt, str_cat("no note of homes: ", why)}; }

template <class Number>
bool take_number(std::string_view& line, Number& out) {
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), out);
  if (error != std::errc()) {
    return false;
  }
  line.remove_prefix(static_cast<size_t>(end - line.data()));
  if (!line.empty() && line.front() == ' ') {
    line.remove_prefix(1);
  }
  return true;
}

bool take_word(std::string_view& line, std::string_view word) {
  if (!line.starts_with(word)) {
    return false;
  }
  line.remove_prefix(word.size());
  return true;
}

}  // namespace

std::string HomesNote::text() const {
  std::string out = str_cat(kFirstLine, "\ntop ", top, "\n");
  if (!current.empty()) {
    str_append(out, "current ", current, "\n");
  }
  for (const auto& [name, host] : hosts) {
    str_append(out, "host ", host.lost_millis, " ", name, "\n");
    for (const Interval& rows : host.offered.intervals()) {
      str_append(out, "rows ", rows.first, " ", rows.below, "\n");
    }
  }
  str_append(out, "crc ", crc32c(out), "\n");
  return out;
}

Result<HomesNote> HomesNote::parse(std::string_view text) {
  HomesNote note;
  Host* host = nullptr;
  bool is_whole = false;
  bool is_first = true;
  for (size_t at = 0; at < text.size() && !is_whole;) {
    const size_t end = text.find('\n', at);
    if (end == std::string_view::npos) {
      return damaged("its last line has no end");
    }
    std::string_view line = text.substr(at, end - at);
    Interval rows;
    uint32_t crc = 0;
    bool is_sound = true;
    if (is_first) {
      is_sound = line == kFirstLine;
      is_first = false;
    } else if (take_word(line, "top ")) {
      is_sound = take_number(line, note.top);
    } else if (take_word(line, "current ")) {
      note.current = line;
    } else if (take_word(line, "host ")) {
      int64_t lost = 0;
      is_sound = take_number(line, lost) && !line.empty();
      host = &note.hosts[std::string(line)];
      host->lost_millis = lost;
    } else if (take_word(line, "rows ")) {
      is_sound = host != nullptr && take_number(line, rows.first) && take_number(line, rows.below);
      if (is_sound) {
        host->offered.add(rows.first, rows.below);
      }
    } else if (take_word(line, "crc ")) {
      is_sound = take_number(line, crc) && crc == crc32c(text.substr(0, at)) && end + 1 == text.size();
      is_whole = is_sound;
    } else {
      is_sound = false;
    }
    if (!is_sound) {
      return damaged(str_cat("byte ", at));
    }
    at = end + 1;
  }
  return is_whole ? Result<HomesNote>(std::move(note)) : Result<HomesNote>(damaged("its end is missing"));
}

std::string Homes::path(const std::string& log_folder, int chain) { return str_cat(log_folder, "/homes-", chain); }

Status Homes::open(uint64_t released, uint64_t end) {
  hosts_.clear();
  top_ = 0;
  const auto text = read_file(path_, kLongestNote);
  if (text.status().code() == Code::kNotFound) {
    written_ = {};
    return {};
  }
  FLUME_RETURN_IF_ERROR(text.status());
  const auto noted = HomesNote::parse(*text);
  if (!noted.ok()) {
    FLUME_LOG(kError, "which collector rows of a log were offered to cannot be read; some may be stored twice",
              kv("file", path_), kv("error", noted.status()));
    return write(note({}));
  }
  const TimePoint now = clock_.now();
  const int64_t wall = clock_.wall_millis();
  const auto take = [&](const std::string& name, IntervalSet rows, int64_t lost_millis) {
    rows.remove(0, released);
    rows.remove(end, UINT64_MAX);
    if (rows.empty()) {
      return;
    }
    Host& host = hosts_[name];
    for (const Interval& part : rows.intervals()) {
      host.offered.add(part.first, part.below);
    }
    // Of one that was not away it is not known for how long it is now.
    const int64_t away = lost_millis == 0 ? 0 : std::max<int64_t>(0, wall - lost_millis);
    host.lost = now - std::chrono::milliseconds(away);
  };
  top_ = std::min(noted->top, end);
  for (const auto& [name, host] : noted->hosts) {
    take(name, host.offered, host.lost_millis);
  }
  if (!noted->current.empty() && noted->top < end) {
    IntervalSet rows;
    rows.add(noted->top, end);
    take(noted->current, rows, 0);
    top_ = end;
  }
  return write(note({}));
}

std::vector<Homes::Part> Homes::look_up(uint64_t first, uint64_t below) const {
  std::vector<Part> parts;
  for (const auto& [name, host] : hosts_) {
    if (host.offered.overlaps(first, below)) {
      for (const Interval& rows : host.offered.intervals()) {
        if (rows.first < below && rows.below > first) {
          parts.push_back({Known::kOffered, name, std::max(first, rows.first), std::min(below, rows.below)});
        }
      }
    }
  }
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.first < b.first; });
  std::vector<Part> all;
  const auto fill = [&](uint64_t from, uint64_t to) {
    if (from < std::min(to, top_)) {
      all.push_back({Known::kDone, {}, from, std::min(to, top_)});
    }
    if (std::max(from, top_) < to) {
      all.push_back({Known::kNew, {}, std::max(from, top_), to});
    }
  };
  uint64_t at = first;
  for (Part& part : parts) {
    fill(at, part.first);
    at = part.below;
    all.push_back(std::move(part));
  }
  fill(at, below);
  return all;
}

bool Homes::is_done(uint64_t first, uint64_t below) const {
  return below <= top_ && std::none_of(hosts_.begin(), hosts_.end(),
                                       [&](const auto& entry) { return entry.second.offered.overlaps(first, below); });
}

const IntervalSet& Homes::offered(const std::string& host) const {
  static const IntervalSet none;
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? none : found->second.offered;
}

std::vector<std::string> Homes::hosts() const {
  std::vector<std::string> names;
  for (const auto& [name, host] : hosts_) {
    if (!host.offered.empty()) {
      names.push_back(name);
    }
  }
  return names;
}

// R7: on disk before the first row is on its way.
Status Homes::prepare(const std::string& host) { return written_.current == host ? Status() : write(note(host)); }

void Homes::offer(const std::string& host, uint64_t first, uint64_t below) {
  hosts_[host].offered.add(first, below);
  top_ = std::max(top_, below);
}

void Homes::confirm(const std::string& host, uint64_t first, uint64_t below) {
  Host& known = hosts_[host];
  known.offered.remove(first, below);
  known.lost.reset();
}

// So that a process that ends now need not take all that comes for offered. When that cannot be written, the note that
// is there says more than is true, which is safe.
void Homes::lose(const std::string& host) {
  Host& known = hosts_[host];
  if (!known.lost) {
    known.lost = clock_.now();
  }
  if (const Status status = write(note(written_.current == host ? std::string() : written_.current)); !status.ok()) {
    FLUME_LOG_EVERY(60'000, kWarn, "which collector rows of a log were offered to cannot be noted", kv("file", path_),
                    kv("error", status));
  }
}

std::optional<TimePoint> Homes::lost_since(const std::string& host) const {
  const auto found = hosts_.find(host);
  return found == hosts_.end() || found->second.offered.empty() ? std::nullopt : found->second.lost;
}

Status Homes::move(const std::string& from, const std::string& to) {
  HomesNote moved = note(written_.current);
  for (const Interval& rows : moved.hosts[from].offered.intervals()) {
    moved.hosts[to].offered.add(rows.first, rows.below);
  }
  moved.hosts.erase(from);
  FLUME_RETURN_IF_ERROR(write(moved));
  for (const Interval& rows : hosts_[from].offered.intervals()) {
    hosts_[to].offered.add(rows.first, rows.below);
  }
  hosts_.erase(from);
  return {};
}

HomesNote Homes::note(const std::string& current) const {
  HomesNote note;
  note.top = top_;
  note.current = current;
  const TimePoint now = clock_.now();
  const int64_t wall = clock_.wall_millis();
  for (const auto& [name, host] : hosts_) {
    if (!host.offered.empty()) {
      const int64_t away =
          host.lost ? std::chrono::duration_cast<std::chrono::milliseconds>(now - *host.lost).count() : 0;
      note.hosts[name] = {host.offered, host.lost ? wall - away : 0};
    }
  }
  return note;
}

Status Homes::write(const HomesNote& note) {
  FLUME_RETURN_IF_ERROR(replace_file(path_, note.text(), kMode));
  written_ = note;
  return {};
}

}  // namespace flume::node
