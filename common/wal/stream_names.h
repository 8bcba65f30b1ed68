// StreamNames: under which streams a log's rows are sent, where that is not the one they were numbered in. A far end
// that has rows of a stream which are not in this log knows another log under its name: a live copy of this process,
// whose machine was copied while it ran (R6). What is unsent is then sent under a name that nobody else has.
//
// Kept in the log's folder: a file "names-N" of lines (docs/formats/wal.md), replaced by one with a higher N before
// the first row is sent under a new name. Used by one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/io/file_system.h"

namespace flume::wal {

class StreamNames {
 public:
  StreamNames(FileSystem& files, std::string folder) : files_(files), folder_(std::move(folder)) {}

  // Takes up what an earlier process wrote. A file that is not whole was never relied on: the one before it counts.
  Status load();
  // Under which rows are sent that were numbered in this stream. Those that were sent under another name before are
  // released, so one name counts for a stream.
  Id128 name(const Id128& stream) const;
  // The stream gets a new, random name, durable when this is OK. An error: nothing changed.
  Status rename(const Id128& stream);

 private:
  using Names = std::map<Id128, Id128>;  // by stream
  static std::string text_of(const Names& names);
  static std::optional<Names> parse(std::string_view text);
  Status write(const Names& names);
  std::string path(uint64_t number) const;

  FileSystem& files_;
  const std::string folder_;
  Names names_;
  uint64_t number_ = 0;             // of the newest file
  std::vector<std::string> older_;  // files that go when a newer one is durable
};

}  // namespace flume::wal
