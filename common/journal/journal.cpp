#include "common/journal/journal.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::journal {

namespace {

constexpr std::string_view kName = "journal-";
constexpr Duration kFirstPause = std::chrono::milliseconds(50);
constexpr Duration kLongestPause = std::chrono::seconds(2);
constexpr uint64_t kSmallFile = 1U << 20;  // not worth rewriting
constexpr uint64_t kMostlyOld = 4;         // times what is alive
constexpr uint64_t kLargestFile = uint64_t{1} << 30;
constexpr size_t kForgetPart = 16;  // one in so many is forgotten at a time, so that it is rarely done
constexpr int kMaxAside = 10'000;

std::optional<uint64_t> number_of(std::string_view name) {
  return name.starts_with(kName) ? parse_number<uint64_t>(name.substr(kName.size())) : std::nullopt;
}

int64_t to_millis(Duration time) { return std::chrono::duration_cast<std::chrono::milliseconds>(time).count(); }

}  // namespace

Journal::Journal(JournalOptions options, FileSystem& files, Clock& clock)
    : options_(std::move(options)), disk_(files), clock_(clock) {}

Journal::~Journal() {
  stop_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

std::string Journal::file_name(uint64_t number) const { return str_cat(options_.folder, "/", kName, number); }

Status Journal::open() {
  const MutexLock lock(mutex_);
  if (is_open_) {
    return {};
  }
  sinks_.clear();
  files_.clear();
  older_.clear();
  damaged_.clear();
  FLUME_RETURN_IF_ERROR(load().with_context("open the delivery journal"));
  is_open_ = true;
  return {};
}

// Every file's records are facts, so they are all read, in the order of their numbers: which of two a crash left whole
// does not matter. Writing goes on in a new file: this one may end in pages that will never reach the disk (R19).
Status Journal::load() {
  const auto names = disk_.list(options_.folder);
  if (names.status().code() == Code::kNotFound) {
    return {};
  }
  FLUME_RETURN_IF_ERROR(names.status());
  std::vector<uint64_t> numbers;
  for (const std::string& name : *names) {
    if (const auto number = number_of(name)) {
      numbers.push_back(*number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  for (const uint64_t number : numbers) {
    FLUME_RETURN_IF_ERROR(load_file(file_name(number)));
    last_number_ = number;
  }
  forget_silent();
  const int64_t until = clock_.wall_millis() - to_millis(options_.keep);  // nobody came to finish them
  std::erase_if(files_, [until](const auto& entry) { return entry.second.millis < until; });
  return {};
}

Status Journal::load_file(const std::string& path) {
  FLUME_ASSIGN_OR_RETURN(const auto file, disk_.open(path));
  FLUME_ASSIGN_OR_RETURN(const uint64_t size, file->size());
  std::string bytes(static_cast<size_t>(std::min(size, kLargestFile)), '\0');
  FLUME_ASSIGN_OR_RETURN(const size_t got, file->read_at(0, std::span(bytes.data(), bytes.size())));
  bytes.resize(got);
  status_.file_bytes += got;
  Reader reader(bytes);
  uint64_t records = 0;
  while (const auto record = reader.next()) {
    apply(*record, 0);
    ++records;
  }
  older_.push_back(path);
  const bool has_wrong_start = records == 0 && bytes.size() >= kMagic.size() && !bytes.starts_with(kMagic) &&
                               bytes.find_first_not_of('\0') != std::string::npos;
  if (reader.damaged_bytes() > 0 || has_wrong_start || size > kLargestFile) {
    damaged_.push_back(path);
    FLUME_LOG(kError, "a delivery journal is damaged: what is whole in it counts; some rows may be written twice",
              kv("file", quoted(path)), kv("damaged_bytes", records == 0 ? size : reader.damaged_bytes()),
              kv("records", records));
  }
  return {};
}

void Journal::apply(const Record& record, uint64_t ticket) {
  if (const auto* begin = std::get_if<Begin>(&record)) {
    files_[begin->file] = {begin->file, begin->identity, begin->length, begin->in_place, false, ticket, begin->millis};
  } else if (const auto* durable = std::get_if<Durable>(&record)) {
    if (const auto file = files_.find(durable->file); file != files_.end()) {
      file->second.length = durable->length;
      file->second.ticket = ticket;
      file->second.millis = durable->millis;
    }
    apply_ranges(*durable, ticket);
  } else if (const auto file = files_.find(std::get<Gone>(record).file); file != files_.end()) {
    file->second.leaving = true;
    file->second.ticket = ticket;
    if (ticket <= synced_) {
      files_.erase(file);
    }
  }
}

void Journal::apply_ranges(const Durable& durable, uint64_t ticket) {
  if (durable.ranges.empty()) {
    return;
  }
  Streams& streams = sinks_[durable.sink];
  for (const Range& range : durable.ranges) {
    const auto [place, is_new] = streams.try_emplace(range.stream);
    Stream& stream = place->second;
    stream.rows.add(range.first, range.below);
    if (range.chain != 0 && range.below > stream.mark.below) {
      stream.mark = {range.below, range.chain};
    }
    stream.ticket = ticket;
    stream.millis = std::max(stream.millis, durable.millis);
    status_.streams += is_new ? 1 : 0;
    if (stream.rows.size() > options_.parts) {
      const size_t count = options_.parts / kForgetPart + 1;
      stream.rows.remove(0, stream.rows.intervals()[count - 1].below);
      status_.forgotten += count;
    }
  }
  if (status_.streams > options_.streams) {
    forget_oldest();
  }
}

void Journal::forget_silent() { drop_streams(clock_.wall_millis() - to_millis(options_.keep)); }

void Journal::forget_oldest() {
  std::vector<int64_t> times;
  times.reserve(status_.streams);
  for (const auto& [sink, streams] : sinks_) {
    for (const auto& [id, stream] : streams) {
      times.push_back(stream.millis);
    }
  }
  const size_t excess = times.size() - options_.streams + options_.streams / kForgetPart;
  const auto last = times.begin() + static_cast<ptrdiff_t>(std::min(excess, times.size() - 1));
  std::nth_element(times.begin(), last, times.end());
  const size_t before = status_.streams;
  drop_streams(*last);
  for (auto sink = sinks_.begin(); status_.streams > options_.streams && sink != sinks_.end();) {
    // All of one age: any of them.
    Streams& streams = sink->second;
    while (!streams.empty() && status_.streams > options_.streams) {
      streams.erase(streams.begin());
      --status_.streams;
      ++status_.forgotten;
    }
    sink = streams.empty() ? sinks_.erase(sink) : std::next(sink);
  }
  FLUME_LOG(kWarn, "the delivery journal knows too many streams: the oldest are forgotten",
            kv("folder", options_.folder), kv("streams", before), kv("limit", options_.streams),
            kv("left", status_.streams));
}

// Those that are silent since before this time.
void Journal::drop_streams(int64_t until_millis) {
  for (auto sink = sinks_.begin(); sink != sinks_.end();) {
    const size_t dropped =
        std::erase_if(sink->second, [&](const auto& entry) { return entry.second.millis < until_millis; });
    status_.streams -= dropped;
    status_.forgotten += dropped;
    sink = sink->second.empty() ? sinks_.erase(sink) : std::next(sink);
  }
}

uint64_t Journal::commit(const Record& record) {
  std::vector<Record> records;
  const auto* durable = std::get_if<Durable>(&record);
  if (durable != nullptr && durable->ranges.size() > kMaxRanges) {
    for (size_t at = 0; at < durable->ranges.size(); at += kMaxRanges) {
      const auto begin = durable->ranges.begin() + static_cast<ptrdiff_t>(at);
      const size_t count = std::min(kMaxRanges, durable->ranges.size() - at);
      records.push_back(Durable{durable->sink,
                                durable->file,
                                durable->length,
                                {begin, begin + static_cast<ptrdiff_t>(count)},
                                durable->millis});
    }
  } else {
    records.push_back(record);
  }
  const MutexLock lock(mutex_);
  FLUME_CHECK(is_open_, "a journal that is open");
  if (!thread_.joinable()) {
    thread_ = Thread("journal", [this] { run(); });
  }
  ++accepted_;
  for (const Record& one : records) {
    apply(one, accepted_);
    if (!begin_anew_) {
      append_record(queue_, one);
    }
  }
  changed_.notify_all();
  return accepted_;
}

bool Journal::done(uint64_t ticket) const {
  const MutexLock lock(mutex_);
  return synced_ >= ticket;
}

Status Journal::wait(uint64_t ticket, const Wait& wait) {
  const MutexLock lock(mutex_);
  while (synced_ < ticket) {
    if (!changed_.wait(mutex_, wait) && synced_ < ticket) {
      return {wait.stop.stop_requested() ? Code::kStopped : Code::kTimeout,
              str_cat("write the delivery journal: ", status_.error.empty() ? "not done in time" : status_.error)};
    }
  }
  return {};
}

Journal::Known Journal::known(std::string_view sink, const Id128& stream, uint64_t first, uint64_t below) const {
  Known known;
  const MutexLock lock(mutex_);
  const auto streams = sinks_.find(sink);
  if (streams == sinks_.end()) {
    return known;
  }
  const auto found = streams->second.find(stream);
  // Nearly always: rows that nobody saw yet.
  if (found == streams->second.end() || first >= found->second.rows.top()) {
    return known;
  }
  known.ticket = found->second.ticket;
  known.rows.add(first, below);
  for (const Interval gap : found->second.rows.missing(first, below)) {
    known.rows.remove(gap.first, gap.below);
  }
  return known;
}

Journal::Mark Journal::mark(const Id128& stream) const {
  Mark highest;
  const MutexLock lock(mutex_);
  for (const auto& [sink, streams] : sinks_) {
    if (const auto found = streams.find(stream); found != streams.end() && found->second.mark.below > highest.below) {
      highest = found->second.mark;
    }
  }
  return highest;
}

std::optional<Journal::File> Journal::file(std::string_view path) const {
  const MutexLock lock(mutex_);
  const auto found = files_.find(path);
  return found == files_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Journal::File> Journal::files() const {
  const MutexLock lock(mutex_);
  std::vector<File> all;
  for (const auto& [path, file] : files_) {
    if (!file.leaving) {
      all.push_back(file);
    }
  }
  return all;
}

JournalStatus Journal::status() const {
  const MutexLock lock(mutex_);
  JournalStatus status = status_;
  status.files = files_.size();
  return status;
}

// An interval is cut where the running hash is known.
std::vector<Range> Journal::ranges_of(const Id128& id, const Stream& stream) {
  std::vector<Range> ranges;
  const uint64_t cut = stream.mark.below;
  for (const Interval part : stream.rows.intervals()) {
    if (part.first < cut && cut < part.below) {
      ranges.push_back({id, part.first, cut, stream.mark.chain});
      ranges.push_back({id, cut, part.below, 0});
    } else {
      ranges.push_back({id, part.first, part.below, part.below == cut ? stream.mark.chain : 0});
    }
  }
  return ranges;
}

std::string Journal::snapshot() {
  forget_silent();
  std::string out(kMagic);
  for (const auto& [path, file] : files_) {
    if (!file.leaving) {
      append_record(out, Begin{path, file.identity, file.length, file.in_place, file.millis});
    }
  }
  for (const auto& [sink, streams] : sinks_) {
    for (const auto& [id, stream] : streams) {
      Durable durable{sink, "", 0, {}, stream.millis};
      for (const Range& part : ranges_of(id, stream)) {
        durable.ranges.push_back(part);
        if (durable.ranges.size() == kMaxRanges) {
          append_record(out, durable);
          durable.ranges.clear();
        }
      }
      if (!durable.ranges.empty()) {
        append_record(out, durable);
      }
    }
  }
  return out;
}

void Journal::run() {
  Duration pause = kFirstPause;
  while (const auto work = next_work()) {
    const bool is_last_try = stop_.stop_requested();
    const Status status = write(*work);
    const MutexLock lock(mutex_);
    if (status.ok()) {
      pause = kFirstPause;
      synced_ = work->ticket;
      status_.error.clear();
      status_.file_bytes = work->whole ? work->bytes.size() : status_.file_bytes + work->bytes.size();
      whole_bytes_ = work->whole ? work->bytes.size() : whole_bytes_;
      std::erase_if(files_, [done = work->ticket](const auto& entry) {
        return entry.second.leaving && entry.second.ticket <= done;
      });
      changed_.notify_all();
      continue;
    }
    if (status_.error.empty()) {
      FLUME_LOG(kError, "the delivery journal cannot be written: rows wait for it", kv("folder", options_.folder),
                kv("error", status));
    }
    status_.error = std::string(status.message());
    begin_anew_ = true;  // R19
    queue_.clear();
    const Wait until{std::chrono::steady_clock::now() + pause, stop_.token()};
    while (changed_.wait(mutex_, until)) {
    }
    pause = std::min(pause * 2, kLongestPause);
    if (is_last_try) {
      return;
    }
  }
}

// Waits for something to write. Nothing: it is to stop, and nothing is left.
std::optional<Journal::Work> Journal::next_work() {
  const MutexLock lock(mutex_);
  while (synced_ == accepted_) {
    if (!changed_.wait(mutex_, {TimePoint::max(), stop_.token()}) && synced_ == accepted_) {
      return std::nullopt;
    }
  }
  Work work;
  work.ticket = accepted_;
  work.whole = begin_anew_ || (status_.file_bytes > kSmallFile && status_.file_bytes / kMostlyOld > whole_bytes_);
  work.bytes = work.whole ? snapshot() : std::exchange(queue_, {});
  if (work.whole) {
    queue_.clear();
    begin_anew_ = false;  // what is committed from now on is queued for the new file
  }
  return work;
}

Status Journal::write(const Work& work) {
  if (!work.whole) {
    return append(work.bytes);
  }
  if (file_ != nullptr) {
    older_.push_back(file_->path());
    file_.reset();
  }
  return write_new_file(work);
}

Status Journal::append(const std::string& bytes) {
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  FLUME_RETURN_IF_ERROR(file_->append(std::span(&piece, 1)));
  return file_->sync();
}

// A new file, its bytes, its name: all durable before the older ones go.
Status Journal::write_new_file(const Work& work) {
  FLUME_RETURN_IF_ERROR(disk_.make_folders(options_.folder));
  FLUME_ASSIGN_OR_RETURN(file_, disk_.create(file_name(++last_number_)));
  Status status = append(work.bytes);
  status = status.ok() ? disk_.sync_folder(options_.folder) : status;
  if (!status.ok()) {
    // It holds nothing that the older ones do not, but for what nobody relies on yet.
    if (!disk_.remove(file_->path()).ok()) {
      older_.push_back(file_->path());
    }
    file_.reset();
    return status;
  }
  set_damaged_aside();
  std::erase_if(older_, [this](const std::string& path) {
    const Status removed = disk_.remove(path);
    return removed.ok() || removed.code() == Code::kNotFound;
  });
  return {};
}

void Journal::set_damaged_aside() {
  for (const std::string& path : std::exchange(damaged_, {})) {
    Status status;
    for (int number = 0; number < kMaxAside; ++number) {
      status = disk_.rename(path, str_cat(path, ".damaged", number == 0 ? "" : str_cat(".", number)));
      if (status.code() != Code::kExists) {
        break;
      }
    }
    FLUME_LOG(kWarn, "a damaged delivery journal is set aside as .damaged", kv("file", quoted(path)),
              kv("status", status));
    if (status.ok()) {
      std::erase(older_, path);
    }
  }
}

}  // namespace flume::journal
