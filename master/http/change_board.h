// ChangeBoard: what changed and when, as words for the long poll of the API (GET /api/v1/changes). A word is this
// process's random prefix and a number that grows with each change; a word of another process is unknown and means that
// everything may differ. Thread-safe; touch() only notifies.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/sync.h"

namespace flume::master {

enum class ChangedPart : uint8_t { kConfigs, kNodes, kCommands, kMappings };
inline constexpr size_t kChangedParts = 4;
std::string_view changed_part_name(ChangedPart part);  // "configs" ...

class ChangeBoard {
 public:
  ChangeBoard();

  void touch(std::initializer_list<ChangedPart> parts) FLUME_EXCLUDES(mutex_);
  std::string word() const FLUME_EXCLUDES(mutex_);

  struct News {
    std::string word;
    std::vector<ChangedPart> parts;  // that may differ since the word that was given
  };
  // At once when `since` is not the current word, else at the next change or when the wait is over.
  News wait(std::string_view since, const Wait& wait) const FLUME_EXCLUDES(mutex_);

 private:
  std::string word_of(uint64_t number) const;

  const std::string prefix_;
  mutable Mutex mutex_;
  mutable CondVar changed_;
  uint64_t number_ FLUME_GUARDED_BY(mutex_) = 1;
  std::array<uint64_t, kChangedParts> touched_ FLUME_GUARDED_BY(mutex_) = {1, 1, 1, 1};
};

}  // namespace flume::master
