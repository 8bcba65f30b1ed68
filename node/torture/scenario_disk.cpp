// Real faults of the machine: file systems that fill up or become read-only, no more descriptors, failing writes and
// syncs. The file systems are small ones in memory, mounted where only this run sees them.
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "common/base/text.h"
#include "common/io/posix.h"
#include "node/torture/namespaces.h"
#include "node/torture/scenario.h"

namespace flume::torture {
namespace {

constexpr uint64_t kRoom = 256U << 20;       // of each file system
constexpr uint64_t kBytesInAll = 64U << 20;  // written in a run, if it takes its time
constexpr uint64_t kHeldDescriptors = 8;     // a node never closes its first ones: nothing comes below this limit
constexpr auto kLongestFault = std::chrono::seconds(15);

// A file system of its own for one folder. Mounts end with this thread's process at the latest.
class SmallDisk {
 public:
  explicit SmallDisk(std::string folder) : folder_(std::move(folder)) {}
  ~SmallDisk() {
    if (mounted_) {
      ::umount2(folder_.c_str(), MNT_DETACH);
    }
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  Status mount() {
    if (::mount("torture", folder_.c_str(), "tmpfs", 0, str_cat("size=", kRoom).c_str()) != 0) {
      return Status::from_errno(errno, str_cat("mount a file system at ", quoted(folder_)));
    }
    mounted_ = true;
    return {};
  }
  // As large as what it holds, and one page.
  Status fill() {
    struct statvfs now {};
    if (::statvfs(folder_.c_str(), &now) != 0) {
      return Status::from_errno(errno, str_cat("look at ", quoted(folder_)));
    }
    return remount(0, (now.f_blocks - now.f_bfree + 1) * now.f_frsize);
  }
  Status free() { return remount(0, kRoom); }
  bool is_full() const {
    struct statvfs now {};
    return mounted_ && ::statvfs(folder_.c_str(), &now) == 0 && now.f_bfree <= 1;
  }
  // EBUSY while a file is open for writing: its process must be away.
  Status make_read_only() { return remount(MS_RDONLY, kRoom); }
  bool is_mounted() const { return mounted_; }
  const std::string& folder() const { return folder_; }

 private:
  Status remount(unsigned long flags, uint64_t size) {
    if (::mount("torture", folder_.c_str(), nullptr, MS_REMOUNT | flags, str_cat("size=", size).c_str()) != 0) {
      return Status::from_errno(errno, str_cat("remount ", quoted(folder_)));
    }
    return {};
  }

  const std::string folder_;
  bool mounted_ = false;
};

// The first three are the machine's own, the others come from a library of failing calls in the process.
enum class Fault : uint8_t { kFull, kReadOnly, kDescriptors, kWrites, kSyncs, kQuota, kRemounted };
constexpr std::array kFaults = {Fault::kFull,  Fault::kReadOnly, Fault::kDescriptors, Fault::kWrites,
                                Fault::kSyncs, Fault::kQuota,    Fault::kRemounted};
constexpr std::array<std::string_view, kFaults.size()> kNames = {
    "full", "started read-only", "no descriptors", "failing writes", "failing syncs", "quota", "remounted read-only"};

// What a fault is done to: a process and one of the folders where its data is.
class Victim {
 public:
  Victim(Rig& rig, std::string process, std::string_view what, SmallDisk& disk)
      : rig_(rig), process_(std::move(process)), what_(what), disk_(disk), plan_(rig.path("faults-" + process_)) {
    rig_.set_environment(process_, {{"LD_PRELOAD", rig_.options().shim}, {"FLUME_TORTURE_PLAN", plan_}});
  }

  std::string_view what() const { return what_; }
  const std::string& process() const { return process_; }

  // For `time`, and until it was hit: a fault that did not take place proves nothing. kTimeout: it never was.
  Status suffer(Fault fault, Duration time) {
    before_ = failed_calls();
    Status status;
    switch (fault) {
      case Fault::kFull: status = disk_.is_mounted() ? fill(time) : fail_all("write", ENOSPC, time); break;
      case Fault::kReadOnly: status = start_read_only(time); break;
      case Fault::kDescriptors: status = take_descriptors(time); break;
      case Fault::kWrites: status = fail_some("write", time); break;
      case Fault::kSyncs: status = fail_some("sync", time); break;
      case Fault::kQuota: status = fail_all("write", EDQUOT, time); break;
      case Fault::kRemounted: status = fail_all("write+change", EROFS, time); break;
    }
    hits_ += failed_calls() - before_;
    return status;
  }
  uint64_t hits() const { return hits_; }
  uint64_t did_not_start() const { return did_not_start_; }

 private:
  Status fill(Duration time) {
    FLUME_RETURN_IF_ERROR(plan(""));
    FLUME_RETURN_IF_ERROR(disk_.fill());
    // Without a log an agent writes a few bytes a second, for which the last page has room for long.
    const bool writes_little = rig_.options().mode == Mode::kBe && process_ == "agent";
    Status hit = wait_hit(time, [&] { return writes_little && disk_.is_full(); });
    FLUME_RETURN_IF_ERROR(disk_.free());
    end_plan();
    return hit;
  }

  // A node that cannot even read its state ends; whoever watches over it starts it until it runs.
  Status start_read_only(Duration time) {
    FLUME_RETURN_IF_ERROR(rig_.wait_up(process_));
    FLUME_RETURN_IF_ERROR(rig_.terminate(process_));
    FLUME_RETURN_IF_ERROR(plan(disk_.is_mounted() ? "" : plan_of_all("write+change", EROFS)));
    if (disk_.is_mounted()) {
      FLUME_RETURN_IF_ERROR(disk_.make_read_only());
    }
    FLUME_RETURN_IF_ERROR(rig_.start(process_));
    Status hit = wait_hit(time, [this] { return !rig_.running(process_); });
    if (disk_.is_mounted()) {
      FLUME_RETURN_IF_ERROR(disk_.free());
    }
    end_plan();
    FLUME_RETURN_IF_ERROR(start_until_up());
    return hit;
  }

  Status start_until_up() {
    const Wait wait = Wait::for_duration(kLongestFault, rig_.stop());
    Status status;
    do {
      if (!rig_.running(process_)) {
        const std::string ending = rig_.process(process_)->ending();
        if (ending.starts_with("signal")) {
          return invalid(str_cat(process_, " ended with ", ending, " on a read-only disk"));
        }
        ++did_not_start_;
        FLUME_RETURN_IF_ERROR(rig_.start(process_));
      }
      status = rig_.flow(process_).status();
      rig_.wait(std::chrono::milliseconds(20));
    } while (!status.ok() && !wait.over());
    return status;
  }

  Status take_descriptors(Duration time) {
    Process* process = rig_.process(process_);
    FLUME_RETURN_IF_ERROR(process->limit_descriptors(kHeldDescriptors));
    Status hit = wait_hit(time, [] { return false; });
    FLUME_RETURN_IF_ERROR(process->limit_descriptors(0));
    return hit;
  }

  Status fail_some(std::string_view calls, Duration time) {
    return fail(str_cat("calls=", calls, ";errno=", EIO, ";first=", 1 + rig_.below(4), ";every=", 2 + rig_.below(20),
                        ";count=20"),
                time);
  }
  static std::string plan_of_all(std::string_view calls, int error) {
    return str_cat("calls=", calls, ";errno=", error, ";first=1;every=1;count=1000000000");
  }
  Status fail_all(std::string_view calls, int error, Duration time) { return fail(plan_of_all(calls, error), time); }
  Status fail(const std::string& calls, Duration time) {
    FLUME_RETURN_IF_ERROR(plan(calls));
    Status hit = wait_hit(time, [] { return false; });
    end_plan();
    return hit;
  }

  Status plan(const std::string& calls) { return replace_file(plan_, str_cat("below=", disk_.folder(), ";", calls)); }
  void end_plan() {
    std::error_code error;
    std::filesystem::remove(plan_, error);
  }

  template <class OtherHit>
  Status wait_hit(Duration time, OtherHit other_hit) {
    const Wait least = Wait::for_duration(time, rig_.stop());
    const Wait most = Wait::for_duration(kLongestFault, rig_.stop());
    bool hit = false;
    while (!least.over() || (!hit && !most.over())) {
      rig_.wait(std::chrono::milliseconds(20));
      hit = other_hit() || failed_calls() > before_ || hit;
    }
    return hit ? Status() : Status(Code::kTimeout, "no call failed: the fault did not take place");
  }

  uint64_t failed_calls() const {
    std::error_code error;
    const auto size = std::filesystem::file_size(plan_ + ".failed", error);
    return error ? 0 : size;
  }

  Rig& rig_;
  const std::string process_;
  const std::string_view what_;
  SmallDisk& disk_;
  const std::string plan_;
  uint64_t before_ = 0;  // failed calls before the fault of now
  uint64_t hits_ = 0;
  uint64_t did_not_start_ = 0;
};

struct Cell {
  Fault fault;
  size_t victim;
};

// Every fault at every place: once in each round, in an order of its own.
class Rounds {
 public:
  Rounds(Rig& rig, std::vector<Victim*> victims) : rig_(rig), victims_(std::move(victims)) {
    for (const Fault fault : kFaults) {
      for (size_t i = 0; i < victims_.size(); ++i) {
        // Descriptors are those of a process, which may have two places.
        if (fault != Fault::kDescriptors || i == 0 || victims_[i]->process() != victims_[i - 1]->process()) {
          cells_.push_back({fault, i});
        }
      }
    }
  }

  // A round that was begun is ended, however long it takes.
  void run() {
    do {
      std::shuffle(cells_.begin(), cells_.end(), rig_.random());
      for (const Cell& cell : cells_) {
        if (rig_.stop().stop_requested() || !rig_.report().passed()) {
          return;
        }
        rig_.wait(std::chrono::milliseconds(100 + rig_.below(200)));
        rig_.report().fail(suffer(cell).with_context(
            str_cat(victims_[cell.victim]->what(), ", ", kNames[static_cast<size_t>(cell.fault)])));
        rig_.expect_running();
      }
      ++rounds_;
    } while (rig_.in_time());
  }

  uint64_t rounds() const { return rounds_; }
  uint64_t cells() const { return cells_.size(); }

 private:
  Status suffer(const Cell& cell) {
    Victim& victim = *victims_[cell.victim];
    const Duration time = std::chrono::milliseconds(300 + rig_.below(400));
    // The log of store on failure is written only while the collector is away.
    const bool alone = rig_.options().mode == Mode::kDfo && victim.process() == "agent";
    if (alone) {
      FLUME_RETURN_IF_ERROR(rig_.wait_up("collector"));
      FLUME_RETURN_IF_ERROR(rig_.terminate("collector"));
    }
    Status status = victim.suffer(cell.fault, time);
    if (alone) {
      FLUME_RETURN_IF_ERROR(rig_.start("collector"));
    }
    return status;
  }

  Rig& rig_;
  const std::vector<Victim*> victims_;
  std::vector<Cell> cells_;
  uint64_t rounds_ = 0;
};

void keep_output(const Rig& rig) {
  std::error_code error;
  std::filesystem::copy(rig.output(), rig.path("out-kept"), std::filesystem::copy_options::recursive, error);
}

}  // namespace

void run_disk(Rig& rig) {
  RunReport& report = rig.report();
  if (std::error_code error; !std::filesystem::exists(rig.options().shim, error)) {
    report.fail(str_cat("no library of failing calls at ", quoted(rig.options().shim), "; see --shim"));
    return;
  }
  SmallDisk state(rig.path("state-agent"));
  SmallDisk output(rig.output());
  SmallDisk journal(rig.path("state-collector"));
  for (const SmallDisk* disk : {&state, &output, &journal}) {
    report.fail(make_folders(disk->folder()));
  }
  // Where a machine does not let us mount, calls fail in place of the file systems.
  Status mounted = own_mounts();
  for (SmallDisk* disk : {&state, &output, &journal}) {
    mounted = mounted.ok() ? disk->mount() : mounted;
  }
  report.fact("file systems of its own", mounted.ok() ? "yes" : std::string(mounted.message()));
  const auto ports = rig.free_ports(1);
  report.fail(ports.status());
  GeneratorOptions lines = rig.generator_options();
  lines.files = 2;
  lines.bytes_per_second = static_cast<uint64_t>(static_cast<double>(kBytesInAll) /
                                                 std::chrono::duration<double>(rig.options().time).count());
  lines.rotations = {Rotation::kRename};
  // A new file every few seconds, for which the agent needs a descriptor.
  lines.lines_per_life = lines.bytes_per_second / 300;
  if (report.passed()) {
    report.fail(rig.generate(lines));
  }
  if (!report.passed()) {
    return;
  }
  rig.describe_pair((*ports)[0], (*ports)[0]);
  Victim agent(rig, "agent", "agent", state);
  Victim files(rig, "collector", "collector's files", output);
  Victim books(rig, "collector", "collector's state", journal);
  report.fail(rig.start("collector"));
  report.fail(rig.start("agent"));
  std::vector<Victim*> victims = {&agent, &files};
  if (rig.options().mode == Mode::kE2e) {
    victims.push_back(&books);  // of rows that come without a log's numbers a collector keeps no journal
  }
  Rounds rounds(rig, victims);
  rounds.run();
  report.fact("rounds", rounds.rounds());
  report.fact("faults in each", rounds.cells());
  for (const Victim* victim : victims) {
    report.fact(str_cat(victim->what(), ": failed calls"), victim->hits());
    report.fact(str_cat(victim->what(), ": starts that failed on a read-only disk"), victim->did_not_start());
  }
  if (rig.options().mode == Mode::kBe) {
    // Rows may come again from a place that could not be saved, and where a file could not be cut. Once for each fault
    // in each file.
    report.promise.most_rewinds = rounds.rounds() * rounds.cells() * lines.files;
  }
  rig.finish({"agent", "collector"}, std::chrono::seconds(60));
  if (!report.passed()) {
    keep_output(rig);
  }
}

}  // namespace flume::torture
