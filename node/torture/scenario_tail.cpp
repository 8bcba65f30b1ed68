// The tail matrix: everything that happens to followed files, while the agent runs, is stopped, or was killed; with one
// file, or with two hundred. Each cell is a run of its own: an agent, a collector, an account.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>

#include "common/base/sync.h"
#include "common/base/text.h"
#include "common/io/posix.h"
#include "node/torture/scenario.h"

namespace flume::torture {
namespace {

constexpr uint32_t kManyFiles = 200;
constexpr uint64_t kEventBytes = 64U << 10;
constexpr uint64_t kLinesBefore = 20;
constexpr uint64_t kLinesAfter = 20;
constexpr int kMostTries = 10;  // of a cell that needs luck
constexpr auto kLongest = std::chrono::seconds(40);

enum class Case : uint8_t {
  kAppend,
  kRename,
  kCopyTruncate,
  kTruncate,
  kRecreate,
  kHardLink,
  kInodeReuse,
  kEqualHead,
  kOneByte,
  kNoFinalNewline,
  kEventLimit,
  kBinary,
  kCrLf,
  kDelimiter,
};
constexpr std::array<std::string_view, 14> kCaseNames = {
    "append",     "rename",   "copytruncate",     "truncate",    "recreate", "hardlink", "inode-reuse",
    "equal-head", "one-byte", "no-final-newline", "event-limit", "binary",   "crlf",     "delimiter"};
enum class State : uint8_t { kRunning, kStopped, kKilled };
constexpr std::array<std::string_view, 3> kStateNames = {"running", "stopped", "killed"};

struct Cell {
  Case what;
  State state;
  uint32_t files;
  std::string name() const {
    return str_cat(kCaseNames[static_cast<size_t>(what)], "-", kStateNames[static_cast<size_t>(state)], "-", files);
  }
  // What was read before must have come through: it is nowhere else.
  bool destroys() const { return what == Case::kTruncate || what == Case::kRecreate || what == Case::kInodeReuse; }
};

constexpr std::string_view kNeverReused = "not possible here, numbers of inodes are never used again";

ino_t inode_of(const std::string& path) {
  struct stat now {};
  return ::stat(path.c_str(), &now) == 0 ? now.st_ino : 0;
}

// Whether this file system ever gives a new file the number of one that was removed.
bool reuses_inodes(const std::string& path) {
  std::set<ino_t> seen;
  for (int i = 0; i < 100; ++i) {
    UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)).reset();
    const bool is_new = seen.insert(inode_of(path)).second;
    ::unlink(path.c_str());
    if (!is_new) {
      return true;
    }
  }
  return false;
}

class CellRun {
 public:
  CellRun(Rig& rig, const Cell& cell) : rig_(rig), cell_(cell) {}

  void run() {
    rig_.report().fail(all_steps());
    rig_.finish({"agent", "collector"}, kLongest);
  }

 private:
  Status all_steps() {
    FLUME_RETURN_IF_ERROR(prepare());
    FLUME_RETURN_IF_ERROR(before());
    FLUME_RETURN_IF_ERROR(change_state());
    FLUME_RETURN_IF_ERROR(act());
    return after();
  }

  Status prepare() {
    GeneratorOptions lines = rig_.generator_options();
    lines.files = cell_.files;
    lines.binary = cell_.what == Case::kBinary;
    lines.longest_payload = 4096;
    std::string source = rig_.agent_source();
    if (cell_.what == Case::kDelimiter) {
      lines.delimiter = "|#|";
      // The end of an event is used once a byte follows it. An empty event at the end is that byte.
      rig_.after_last_lines([this] { return write_all_of("app-", "|#|"); });
      source = str_cat("tailDir(\"", rig_.input(), "\", \".*\\\\.log\", delim=\"\\\\|#\\\\|\")");
    }
    FLUME_ASSIGN_OR_RETURN(const auto ports, rig_.free_ports(1));
    const Pairs limit = {{"flume.event.max.size.bytes", std::to_string(kEventBytes)}};
    rig_.describe_pair(ports[0], ports[0], limit, limit);
    rig_.describe_node("agent", source, rig_.agent_sink(ports[0]), limit);
    FLUME_RETURN_IF_ERROR(rig_.prepare(lines));
    FLUME_RETURN_IF_ERROR(rig_.start("collector"));
    return rig_.start("agent");
  }

  Status before() {
    if (cell_.what == Case::kEqualHead) {
      FLUME_RETURN_IF_ERROR(write_heads());
    }
    FLUME_RETURN_IF_ERROR(write_each(kLinesBefore));
    if (cell_.what == Case::kOneByte) {
      FLUME_RETURN_IF_ERROR(write_all_of("one-", "x"));
    }
    if (cell_.what == Case::kDelimiter) {
      FLUME_RETURN_IF_ERROR(write_all_of("app-", "|#|"));
    }
    return arrived();
  }

  Status change_state() {
    if (cell_.state == State::kStopped) {
      return rig_.terminate("agent");
    }
    if (cell_.state == State::kKilled) {
      if (!cell_.destroys()) {
        FLUME_RETURN_IF_ERROR(write_each(1));
        rig_.wait(std::chrono::milliseconds(rig_.below(150)));
      }
      rig_.kill("agent");
    }
    return {};
  }

  Status act() {
    switch (cell_.what) {
      case Case::kRename: return rotate(Rotation::kRename);
      case Case::kCopyTruncate: return rotate(Rotation::kCopyTruncate);
      case Case::kTruncate: return rotate(Rotation::kTruncate);
      case Case::kRecreate: return rotate(Rotation::kRecreate);
      case Case::kInodeReuse: return reuse_inodes();
      case Case::kHardLink: return link_all();
      case Case::kEqualHead: FLUME_RETURN_IF_ERROR(rotate(Rotation::kRename)); return write_heads();
      case Case::kOneByte:
        rig_.expect_extra("the line of one byte", "x", cell_.files);
        return write_all_of("one-", "\n");
      case Case::kNoFinalNewline: return end_without_newline();
      case Case::kEventLimit: return write_longest();
      case Case::kCrLf: return write_crlf();
      case Case::kDelimiter: rig_.expect_extra("the empty event", "", cell_.files); return {};
      default: return {};
    }
  }

  Status after() {
    FLUME_RETURN_IF_ERROR(write_each(kLinesAfter));
    return rig_.start("agent");
  }

  Status arrived() { return rig_.wait_delivered(Wait::for_duration(kLongest, rig_.stop())); }

  Status write_each(uint64_t lines) {
    for (uint32_t file = 0; file < cell_.files; ++file) {
      FLUME_RETURN_IF_ERROR(rig_.generator().write_lines(file, lines));
    }
    return {};
  }

  Status rotate(Rotation rotation) {
    for (uint32_t file = 0; file < cell_.files; ++file) {
      FLUME_RETURN_IF_ERROR(rig_.generator().rotate(file, rotation, Wait::for_duration(kLongest, rig_.stop())));
    }
    return {};
  }

  static Status append(const std::string& path, std::string_view bytes) {
    FLUME_ASSIGN_OR_RETURN(const UniqueFd fd, open_file(path, O_WRONLY | O_APPEND | O_CREAT));
    return write_all(fd.fd(), bytes, path);
  }

  Status write_all_of(std::string_view prefix, std::string_view bytes) {
    for (uint32_t file = 0; file < cell_.files; ++file) {
      FLUME_RETURN_IF_ERROR(append(str_cat(rig_.input(), "/", prefix, file, ".log"), bytes));
    }
    return {};
  }

  // The same 4 KiB at the start of every file.
  Status write_heads() {
    std::string head;
    for (int i = 0; i < 64; ++i) {
      const std::string line = str_cat("the same head in every file, line ", 100 + i, " ", std::string(25, '-'));
      rig_.expect_extra(str_cat("line ", i, " of the heads"), line, cell_.files);
      head += line + "\n";
    }
    return write_all_of("app-", head);
  }

  // The number of an inode comes back only when nobody holds the old file open, so not while the agent runs; and only
  // when nobody else in the file system was faster: then the cell is run again.
  Status reuse_inodes() {
    const int tries = cell_.state == State::kRunning ? 1 : 3;
    uint64_t reused = 0;
    for (uint32_t file = 0; file < cell_.files; ++file) {
      const std::string path = rig_.generator().paths()[file];
      const ino_t old = inode_of(path);
      for (int i = 0; i < tries && (i == 0 || inode_of(path) != old); ++i) {
        FLUME_RETURN_IF_ERROR(rig_.generator().rotate(file, Rotation::kRecreate, {}));
      }
      reused += inode_of(path) == old ? 1 : 0;
    }
    rig_.report().fact("inodes reused", reused);
    if (reused == 0 && !reuses_inodes(rig_.path("probe"))) {
      rig_.report().fact(std::string(kNeverReused), 1);
    }
    return {};
  }

  Status link_all() {
    for (uint32_t file = 0; file < cell_.files; ++file) {
      const std::string path = rig_.generator().paths()[file];
      if (::link(path.c_str(), str_cat(rig_.input(), "/link-", file, ".log").c_str()) != 0) {
        return Status::from_errno(errno, str_cat("link ", quoted(path)));
      }
    }
    return {};
  }

  Status end_without_newline() {
    for (uint32_t file = 0; file < cell_.files; ++file) {
      const std::string line = str_cat("the last line of file ", file, " has no end");
      rig_.expect_extra(line, line);
      FLUME_RETURN_IF_ERROR(append(rig_.generator().paths()[file], line));
    }
    return rotate(Rotation::kRename);
  }

  // A line of exactly the limit stays whole; one byte more makes two of it.
  Status write_longest() {
    for (uint32_t file = 0; file < cell_.files; ++file) {
      std::string line = str_cat("long line of file ", file, " ");
      line.resize(kEventBytes, 'l');
      rig_.expect_extra(str_cat("the longest line of file ", file), line, 2);
      FLUME_RETURN_IF_ERROR(append(rig_.generator().paths()[file], str_cat(line, "\n", line, "z\n")));
    }
    rig_.expect_extra("the byte beyond the limit", "z", cell_.files);
    return {};
  }

  Status write_crlf() {
    for (uint32_t file = 0; file < cell_.files; ++file) {
      const std::string line = str_cat("line of file ", file, " from elsewhere\r");
      rig_.expect_extra(line, line, 2);
      rig_.expect_extra("a line of CR only", "\r");
      FLUME_RETURN_IF_ERROR(append(rig_.generator().paths()[file], str_cat(line, "\n\r\n", line, "\n")));
    }
    return {};
  }

  Rig& rig_;
  const Cell cell_;
};

Promise promise_of(Mode mode, State state) {
  if (mode == Mode::kE2e) {
    return {};
  }
  if (state != State::kKilled) {
    return {.once = mode == Mode::kBe};
  }
  return {.once = false, .ordered = false};  // what was read and not yet confirmed comes again
}

// Hands out cells to the threads and gathers what came of them.
class Matrix {
 public:
  Matrix(Rig& rig, uint32_t files) : rig_(rig) {
    for (size_t i = 0; i < kCaseNames.size(); ++i) {
      for (size_t j = 0; j < kStateNames.size(); ++j) {
        cells_.push_back({static_cast<Case>(i), static_cast<State>(j), files});
      }
    }
    std::shuffle(cells_.begin(), cells_.end(), rig.random());
  }

  void run() {
    std::vector<Thread> threads;
    for (uint32_t i = 0; i < rig_.options().parallel; ++i) {
      threads.emplace_back(str_cat("torture-cell-", i), [this] { work(); });
    }
    for (Thread& thread : threads) {
      thread.join();
    }
    const MutexLock lock(mutex_);
    rig_.report().account = sum_;
    rig_.report().fact("cells", done_);
    rig_.report().fact("inodes reused", reused_);
    if (never_reused_ > 0) {
      rig_.report().fact(std::string(kNeverReused), never_reused_);
    }
  }

 private:
  // All cells once; longer runs go round again, each time with other seeds.
  void work() {
    while (!rig_.stop().stop_requested()) {
      const size_t number = next_.fetch_add(1);
      if (number >= cells_.size() && !rig_.in_time()) {
        return;
      }
      run_cell(cells_[number % cells_.size()], number);
    }
  }

  void run_cell(const Cell& cell, size_t number) {
    const bool must_reuse = cell.what == Case::kInodeReuse && cell.state != State::kRunning;
    for (int i = 0; i < kMostTries; ++i) {
      const RunReport report = run_once(cell, number);
      add(cell, report);
      if (!must_reuse || !report.passed() || count_of(report, "inodes reused") + count_of(report, kNeverReused) > 0) {
        return;
      }
    }
    const MutexLock lock(mutex_);
    rig_.report().fail(str_cat(cell.name(), ": no number of an inode was used again"));
  }

  static uint64_t count_of(const RunReport& report, std::string_view fact) {
    for (const auto& [name, value] : report.facts) {
      if (name == fact) {
        return parse_number<uint64_t>(value).value_or(0);
      }
    }
    return 0;
  }

  RunReport run_once(const Cell& cell, size_t number) {
    RunReport report;
    report.options = rig_.options();
    report.options.seed += number;
    report.options.folder = rig_.path(str_cat(number, "-", cell.name()));
    report.promise = promise_of(report.options.mode, cell.state);
    for (const char* name : {"/in", "/out"}) {
      report.fail(make_folders(report.options.folder + name));
    }
    if (report.passed()) {
      Rig rig(report, rig_.stop());
      CellRun(rig, cell).run();
    }
    if (report.passed()) {
      std::error_code error;
      std::filesystem::remove_all(report.options.folder, error);
    }
    return report;
  }

  void add(const Cell& cell, const RunReport& report) {
    const MutexLock lock(mutex_);
    ++done_;
    const Account& one = report.account;
    sum_.expected += one.expected;
    sum_.lines += one.lines;
    sum_.bytes += one.bytes;
    sum_.lost += one.lost;
    sum_.duplicated += one.duplicated;
    sum_.reordered += one.reordered;
    sum_.damaged += one.damaged;
    sum_.foreign += one.foreign;
    sum_.rewinds += one.rewinds;
    reused_ += count_of(report, "inodes reused");
    never_reused_ += count_of(report, kNeverReused);
    for (const std::string& why : report.failures) {
      rig_.report().fail(str_cat(cell.name(), ": ", why));
    }
    if (!report.passed() && !one.examples.empty()) {
      sum_.examples.push_back(str_cat(cell.name(), ": ", one.examples[0]));
    }
  }

  Rig& rig_;
  std::vector<Cell> cells_;
  std::atomic<size_t> next_{0};
  Mutex mutex_;
  Account sum_ FLUME_GUARDED_BY(mutex_);
  uint64_t done_ FLUME_GUARDED_BY(mutex_) = 0;
  uint64_t reused_ FLUME_GUARDED_BY(mutex_) = 0;
  uint64_t never_reused_ FLUME_GUARDED_BY(mutex_) = 0;  // cells
};

}  // namespace

void run_tail(Rig& rig) {
  Matrix(rig, 1).run();
  if (!rig.stop().stop_requested()) {
    measure_copytruncate_race(rig);
  }
}
void run_tail_many(Rig& rig) { Matrix(rig, kManyFiles).run(); }

}  // namespace flume::torture
