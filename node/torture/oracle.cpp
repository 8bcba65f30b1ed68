#include "node/torture/oracle.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/text.h"
#include "common/io/crc32c.h"
#include "common/io/posix.h"
#include "common/json/json.h"

namespace flume::torture {
namespace {

constexpr size_t kReadBytes = 1U << 20;
constexpr size_t kShownBytes = 60;

uint64_t extra_key(uint64_t length, uint32_t crc) { return (length << 32) ^ crc; }

std::string shown(std::string_view line) {
  return str_cat(quoted(line.substr(0, kShownBytes)), line.size() > kShownBytes ? "..." : "", " (", line.size(),
                 " bytes)");
}

std::string name_of(const LineKey& key) {
  return str_cat("line ", key.number, " of source ", key.source, ", life ", key.life);
}

}  // namespace

std::string Account::to_text() const {
  std::string out = str_cat(lines, " lines (", bytes, " bytes) of ", expected, " expected: ", lost, " lost, ",
                            duplicated, " duplicated, ", reordered, " reordered, ", damaged, " damaged, ", foreign,
                            " foreign; ", rewinds, " rewinds\n");
  for (const std::string& text : examples) {
    str_append(out, "  ", text, "\n");
  }
  return out;
}

std::string Account::to_json() const {
  JsonWriter out;
  out.begin_object()
      .member("expected", expected)
      .member("lines", lines)
      .member("bytes", bytes)
      .member("lost", lost)
      .member("duplicated", duplicated)
      .member("reordered", reordered)
      .member("damaged", damaged)
      .member("foreign", foreign)
      .member("rewinds", rewinds);
  out.key("examples").begin_array();
  for (const std::string& text : examples) {
    out.value(text);
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

bool Oracle::Seen::has(uint64_t number) const {
  const auto chunk = chunks.find(number / kChunkLines);
  const uint64_t bit = number % kChunkLines;
  return chunk != chunks.end() && ((*chunk->second)[bit / 64] >> (bit % 64) & 1) != 0;
}

bool Oracle::Seen::add(uint64_t number) {
  std::unique_ptr<Chunk>& chunk = chunks[number / kChunkLines];
  if (!chunk) {
    chunk = std::make_unique<Chunk>();
  }
  const uint64_t bit = number % kChunkLines;
  uint64_t& word = (*chunk)[bit / 64];
  const uint64_t mask = 1ULL << (bit % 64);
  if ((word & mask) != 0) {
    return false;
  }
  word |= mask;
  ++count;
  highest = std::max(highest, number + 1);
  return true;
}

Oracle::Oracle(std::optional<Expectation> expectation) : expectation_(std::move(expectation)) {
  if (!expectation_) {
    return;
  }
  account_.expected = expectation_->lines();
  for (const SourceExpectation& source : expectation_->sources) {
    wanted_[source.id] = source.lines;
  }
  for (const ExtraExpectation& extra : expectation_->extras) {
    ExtraSeen& seen = extras_[extra_key(extra.length, extra.crc)];
    seen.name = extra.name;
    seen.wanted += extra.count;
  }
}

void Oracle::begin_file(std::string name) {
  const std::string folder = parent_folder(name);
  if (folder != parent_folder(file_)) {
    for (auto& [id, seen] : seen_) {
      seen.lives.clear();
    }
  }
  file_ = std::move(name);
  line_number_ = 0;
  offset_ = 0;
}

void Oracle::feed(std::string_view bytes) {
  account_.bytes += bytes.size();
  while (!bytes.empty()) {
    const size_t newline = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, newline);
    if (newline == std::string_view::npos) {
      const size_t room = kLongestLine - std::min(kLongestLine, partial_.size());
      partial_.append(piece.substr(0, room));
      skipped_ += piece.size() - std::min(room, piece.size());
      return;
    }
    if (partial_.empty() && skipped_ == 0) {
      take_line(piece);
    } else {
      partial_.append(piece.substr(0, kLongestLine));
      take_line(std::exchange(partial_, {}));
    }
    bytes.remove_prefix(newline + 1);
  }
}

void Oracle::end_file() {
  if (!partial_.empty()) {
    take_line(std::exchange(partial_, {}));
  }
}

Status Oracle::read_file(const std::string& path) {
  FLUME_ASSIGN_OR_RETURN(const UniqueFd fd, open_file(path, O_RDONLY));
  std::string buffer(kReadBytes, '\0');
  begin_file(path);
  while (true) {
    const ssize_t got = ::read(fd.fd(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Status::from_errno(errno, str_cat("read ", quoted(path)));
    }
    if (got == 0) {
      break;
    }
    feed(std::string_view(buffer).substr(0, static_cast<size_t>(got)));
  }
  end_file();
  return {};
}

void Oracle::take_line(std::string_view line) {
  ++line_number_;
  ++account_.lines;
  LineKey key;
  const uint64_t skipped = std::exchange(skipped_, 0);
  const LineForm form = skipped > 0 ? LineForm::kDamaged : parse_line(line, key);
  if (form == LineForm::kWhole) {
    take_whole(key);
  } else if (!take_extra(line)) {
    const bool damaged = form == LineForm::kDamaged;
    ++(damaged ? account_.damaged : account_.foreign);
    example(damaged ? kDamaged : kForeign, shown(line));
  }
  offset_ += line.size() + skipped + 1;
}

void Oracle::take_whole(const LineKey& key) {
  if (expectation_) {
    const auto wanted = wanted_.find(key.source);
    if (key.run != expectation_->run || wanted == wanted_.end() || key.number >= wanted->second) {
      ++account_.foreign;
      example(kForeign, str_cat(name_of(key), ": never written in this run"));
      return;
    }
  } else if (key.number >= kMostLines) {
    ++account_.foreign;
    example(kForeign, str_cat(name_of(key), ": such a number is never written"));
    return;
  }
  Seen& seen = seen_[key.source];
  Life& life = seen.lives[key.life];
  if (key.number + 1 <= life.previous) {
    ++account_.rewinds;
  }
  life.previous = key.number + 1;
  if (!seen.add(key.number)) {
    ++account_.duplicated;
    example(kDuplicated, name_of(key));
    return;
  }
  if (key.number + 1 < life.highest) {
    ++account_.reordered;
    example(kReordered, str_cat(name_of(key), ": after line ", life.highest - 1));
  }
  life.highest = std::max(life.highest, key.number + 1);
}

bool Oracle::take_extra(std::string_view line) {
  const auto found = extras_.empty() ? extras_.end() : extras_.find(extra_key(line.size(), crc32c(line)));
  if (found == extras_.end()) {
    return false;
  }
  if (++found->second.count > found->second.wanted) {
    ++account_.duplicated;
    example(kDuplicated, found->second.name);
  }
  return true;
}

std::string Oracle::place() const { return str_cat(file_, ", line ", line_number_, ", byte ", offset_); }

void Oracle::example(Kind kind, const std::string& text) {
  constexpr std::array<std::string_view, kKinds> kNames = {"lost", "duplicated", "reordered", "damaged", "foreign"};
  if (examples_[kind]++ >= kExamples) {
    return;
  }
  account_.examples.push_back(str_cat(kNames[kind], ": ", text, kind == kLost ? "" : str_cat(" (", place(), ")")));
}

void Oracle::account_source(uint32_t id, uint64_t lines, const Seen* seen) {
  const uint64_t got = seen == nullptr ? 0 : seen->count;
  account_.lost += lines - got;
  if (lines > 0 && (seen == nullptr || !seen->has(lines - 1))) {
    ++account_.ends_missing;
  }
  for (uint64_t number = 0; got < lines && number < lines && examples_[kLost] < kExamples;) {
    if (seen != nullptr && seen->has(number)) {
      ++number;
      continue;
    }
    uint64_t end = number + 1;
    while (end < lines && (seen == nullptr || !seen->has(end))) {
      ++end;
    }
    example(kLost, str_cat("lines ", number, " to ", end - 1, " (", end - number, ") of source ", id));
    number = end;
  }
}

Account Oracle::finish() {
  if (expectation_) {
    for (const SourceExpectation& source : expectation_->sources) {
      const auto seen = seen_.find(source.id);
      account_source(source.id, source.lines, seen == seen_.end() ? nullptr : &seen->second);
    }
    for (const auto& [key, extra] : extras_) {
      if (extra.count < extra.wanted) {
        account_.lost += extra.wanted - extra.count;
        ++account_.ends_missing;
        example(kLost, str_cat(extra.name, ": ", extra.count, " of ", extra.wanted));
      }
    }
  } else {
    for (const auto& [id, seen] : seen_) {
      account_.expected += seen.highest;
      account_source(id, seen.highest, &seen);
    }
  }
  return account_;
}

Result<Account> check_files(const std::vector<std::string>& files, const std::optional<Expectation>& expectation) {
  Oracle oracle(expectation);
  for (const std::string& file : files) {
    FLUME_RETURN_IF_ERROR(oracle.read_file(file));
  }
  return oracle.finish();
}

}  // namespace flume::torture
