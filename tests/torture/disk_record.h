// What this program does to the files below one folder, call by call, in the order in which it happens. The program's
// own calls of open, write, sync, rename and so on come through disk_record.cpp on their way to the system, so it is
// the real code on a real folder that is recorded. From a record follows all that a crash could have left on the disk
// (tests/support/crash_disk.h); put() makes the folder look like that.
//
// Files have numbers of their own in place of the system's inode numbers, which cannot be given to a file: put() keeps
// them, and statx() tells them to the program.
// Thread-safe; there is one record, as there is one set of system calls.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "tests/support/crash_disk.h"

namespace flume::test::disk_record {

struct Created {
  std::string path;
};
struct Written {
  uint64_t file = 0;
  size_t offset = 0;
  std::string bytes;
};
struct Cut {
  uint64_t file = 0;
  size_t length = 0;
};
struct Synced {
  uint64_t file = 0;
};
struct FolderSynced {
  std::string folder;
};
struct Renamed {
  std::string from, to;
};
struct Removed {
  std::string path;
};
// Put in by the test, between the calls: what was promised to somebody by then.
struct Promised {
  uint64_t rows = 0;
};
using Change = std::variant<Created, Written, Cut, Synced, FolderSynced, Renamed, Removed, Promised>;

// Empties the folder and fills it with what is on the disk; records what is done there from then on. `root` is absolute
// and best on a file system in memory: it is filled thousands of times. No file below it may be open.
void put(const std::string& root, const CrashDisk& disk);
void promised(uint64_t rows);
std::vector<Change> stop();  // what was recorded since put()

// Does what was recorded to the disk it was recorded on.
class Replay {
 public:
  explicit Replay(CrashDisk start);
  void apply(const Change& change);
  const CrashDisk& disk() const { return disk_; }
  uint64_t promised() const { return promised_; }

 private:
  CrashDisk disk_;
  std::map<uint64_t, CrashDisk::File> files_;  // by number, also those without a name
  uint64_t promised_ = 0;
};

}  // namespace flume::test::disk_record
