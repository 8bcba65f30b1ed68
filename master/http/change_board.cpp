#include "master/http/change_board.h"

#include <optional>

#include "common/base/random.h"
#include "common/base/text.h"

namespace flume::master {

std::string_view changed_part_name(ChangedPart part) {
  constexpr std::string_view kNames[kChangedParts] = {"configs", "nodes", "commands", "mappings"};
  return kNames[static_cast<size_t>(part)];
}

ChangeBoard::ChangeBoard() : prefix_(to_hex(random_id()).substr(0, 12) + "-") {}

void ChangeBoard::touch(std::initializer_list<ChangedPart> parts) {
  const MutexLock lock(mutex_);
  ++number_;
  for (const ChangedPart part : parts) {
    touched_[static_cast<size_t>(part)] = number_;
  }
  changed_.notify_all();
}

std::string ChangeBoard::word_of(uint64_t number) const { return str_cat(prefix_, number); }

std::string ChangeBoard::word() const {
  const MutexLock lock(mutex_);
  return word_of(number_);
}

ChangeBoard::News ChangeBoard::wait(std::string_view since, const Wait& wait) const {
  std::optional<uint64_t> seen;
  if (since.starts_with(prefix_)) {
    seen = parse_number<uint64_t>(since.substr(prefix_.size()));
  }
  const MutexLock lock(mutex_);
  while (seen && *seen == number_ && changed_.wait(mutex_, wait)) {
  }
  News news;
  news.word = word_of(number_);
  for (size_t i = 0; i < kChangedParts; ++i) {
    if (!seen || *seen > number_ || touched_[i] > *seen) {
      news.parts.push_back(static_cast<ChangedPart>(i));
    }
  }
  return news;
}

}  // namespace flume::master
