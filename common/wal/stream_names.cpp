#include "common/wal/stream_names.h"

#include <sys/uio.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/base/text.h"

namespace flume::wal {

namespace {

constexpr std::string_view kFile = "names-";
constexpr std::string_view kEnd = "end\n";
constexpr size_t kHex = 2 * sizeof(Id128);
constexpr size_t kLine = 2 * kHex + 2;  // stream, blank, name, line feed
constexpr size_t kLargestFile = 1 << 20;

bool read_id(std::string_view hex, Id128& out) {
  for (size_t i = 0; i < out.size(); ++i) {
    const char* at = hex.data() + 2 * i;
    const auto [end, error] = std::from_chars(at, at + 2, out[i], 16);
    if (error != std::errc() || end != at + 2) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string StreamNames::path(uint64_t number) const { return str_cat(folder_, "/", kFile, number); }

std::string StreamNames::text_of(const Names& names) {
  std::string text;
  for (const auto& [stream, name] : names) {
    text += str_cat(to_hex(stream), " ", to_hex(name), "\n");
  }
  text += kEnd;
  return text;
}

std::optional<StreamNames::Names> StreamNames::parse(std::string_view text) {
  if (!text.ends_with(kEnd) || (text.size() - kEnd.size()) % kLine != 0) {
    return std::nullopt;
  }
  text.remove_suffix(kEnd.size());
  Names names;
  for (; !text.empty(); text.remove_prefix(kLine)) {
    Id128 stream{};
    Id128 name{};
    if (text[kHex] != ' ' || text[kLine - 1] != '\n' || !read_id(text.substr(0, kHex), stream) ||
        !read_id(text.substr(kHex + 1, kHex), name)) {
      return std::nullopt;
    }
    names[stream] = name;
  }
  return names;
}

Status StreamNames::load() {
  FLUME_ASSIGN_OR_RETURN(const std::vector<std::string> all, files_.list(folder_));
  std::vector<uint64_t> numbers;
  for (const std::string& file : all) {
    if (const auto number =
            file.starts_with(kFile) ? parse_number<uint64_t>(file.substr(kFile.size())) : std::nullopt) {
      numbers.push_back(*number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  for (const uint64_t number : numbers) {
    FLUME_ASSIGN_OR_RETURN(const auto file, files_.open(path(number)));
    FLUME_ASSIGN_OR_RETURN(const uint64_t size, file->size());
    std::string text(std::min<uint64_t>(size, kLargestFile), '\0');
    FLUME_ASSIGN_OR_RETURN(const size_t got, file->read_at(0, std::span(text.data(), text.size())));
    text.resize(got);
    if (auto names = parse(text)) {
      names_ = std::move(*names);
    }
    older_.push_back(path(number));
    number_ = number;
  }
  return {};
}

Id128 StreamNames::name(const Id128& stream) const {
  const auto found = names_.find(stream);
  return found == names_.end() ? stream : found->second;
}

Status StreamNames::rename(const Id128& stream) {
  Names names = names_;
  names[stream] = random_id();
  FLUME_RETURN_IF_ERROR(write(names).with_context("give the rows of a log another name"));
  names_ = std::move(names);
  return {};
}

Status StreamNames::write(const Names& names) {
  const std::string text = text_of(names);
  FLUME_ASSIGN_OR_RETURN(const auto file, files_.create(path(++number_)));
  const iovec piece{const_cast<char*>(text.data()), text.size()};
  Status status = file->append(std::span(&piece, 1));
  status = status.ok() ? file->sync() : status;
  status = status.ok() ? files_.sync_folder(folder_) : status;
  if (!status.ok()) {
    (void)files_.remove(file->path());  // else it is read at the next start: new names for what nobody was sent
    return status;
  }
  for (const std::string& old : std::exchange(older_, {file->path()})) {
    (void)files_.remove(old);  // else it is read before this one
  }
  return {};
}

}  // namespace flume::wal
