// Real faults of the machine: file systems that fill up or become read-only, no more descriptors, failing writes and
// syncs. The file systems are small ones in memory, mounted where only this run sees them.
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/base/text.h"
#include "common/io/posix.h"
#include "node/torture/namespaces.h"
#include "node/torture/scenario.h"

namespace flume::torture {
namespace {

constexpr uint64_t kRoom = 256U << 20;       // of each file system
constexpr uint64_t kBytesInAll = 64U << 20;  // written in a run, however long it is

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

// What a fault is done to: a process and the folder where its data is.
class Victim {
 public:
  Victim(Rig& rig, std::string name, SmallDisk& disk)
      : rig_(rig), name_(std::move(name)), disk_(disk), plan_(rig.path("faults-" + name_)) {
    rig_.set_environment(
        name_,
        {{"LD_PRELOAD", rig_.options().shim}, {"FLUME_TORTURE_FOLDER", disk_.folder()}, {"FLUME_TORTURE_PLAN", plan_}});
  }

  Status suffer(Fault fault, Duration time) {
    switch (fault) {
      case Fault::kFull:
        if (!disk_.is_mounted()) {
          return fail_all("write", ENOSPC, time);
        }
        FLUME_RETURN_IF_ERROR(disk_.fill());
        rig_.wait(time);
        return disk_.free();
      case Fault::kReadOnly:
        if (!disk_.is_mounted()) {
          return fail_all("write+change", EROFS, time);
        }
        FLUME_RETURN_IF_ERROR(rig_.terminate(name_));
        FLUME_RETURN_IF_ERROR(disk_.make_read_only());
        FLUME_RETURN_IF_ERROR(rig_.start(name_));
        rig_.wait(time);
        return disk_.free();
      case Fault::kDescriptors: {
        Process* process = rig_.process(name_);
        FLUME_RETURN_IF_ERROR(process->limit_descriptors(process->descriptors()));
        rig_.wait(time);
        return process->limit_descriptors(0);
      }
      case Fault::kWrites: return fail_some("write", EIO, time);
      case Fault::kSyncs: return fail_some("sync", EIO, time);
      case Fault::kQuota: return fail_all("write", EDQUOT, time);
      case Fault::kRemounted: return fail_all("write+change", EROFS, time);
    }
    return {};
  }

  Status fail_some(std::string_view calls, int error, Duration time) {
    return fail(str_cat("calls=", calls, ";errno=", error, ";first=", 1 + rig_.below(20), ";every=", 2 + rig_.below(20),
                        ";count=20"),
                time);
  }
  Status fail_all(std::string_view calls, int error, Duration time) {
    return fail(str_cat("calls=", calls, ";errno=", error, ";first=1;every=1;count=1000000000"), time);
  }
  Status fail(const std::string& plan, Duration time) {
    FLUME_RETURN_IF_ERROR(replace_file(plan_, plan));
    rig_.wait(time);
    std::error_code error;
    std::filesystem::remove(plan_, error);
    return {};
  }

  // The library says so; a fault that did not take place proves nothing.
  uint64_t failed_calls() const {
    std::error_code error;
    const auto size = std::filesystem::file_size(plan_ + ".failed", error);
    return error ? 0 : size;
  }

 private:
  Rig& rig_;
  const std::string name_;
  SmallDisk& disk_;
  const std::string plan_;
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
  for (const SmallDisk* disk : {&state, &output}) {
    report.fail(make_folders(disk->folder()));
  }
  // Where a machine does not let us mount, calls fail in place of the file systems.
  Status mounted = own_mounts();
  for (SmallDisk* disk : {&state, &output}) {
    mounted = mounted.ok() ? disk->mount() : mounted;
  }
  report.fact("file systems of its own", mounted.ok() ? "yes" : std::string(mounted.message()));
  const auto ports = free_ports(1);
  report.fail(ports.status());
  GeneratorOptions lines = rig.generator_options();
  lines.files = 2;
  lines.bytes_per_second = static_cast<uint64_t>(static_cast<double>(kBytesInAll) /
                                                 std::chrono::duration<double>(rig.options().time).count());
  lines.rotations = {Rotation::kRename};
  if (report.passed()) {
    report.fail(rig.generate(lines));
  }
  if (!report.passed()) {
    return;
  }
  rig.describe_pair((*ports)[0], (*ports)[0]);
  Victim agent(rig, "agent", state);
  Victim collector(rig, "collector", output);
  report.fail(rig.start("collector"));
  report.fail(rig.start("agent"));
  std::array order = kFaults;
  std::array<uint64_t, kFaults.size()> times{};
  for (size_t i = 0; rig.in_time() && report.passed(); ++i) {
    if (i % order.size() == 0) {
      std::shuffle(order.begin(), order.end(), rig.random());
    }
    const Fault fault = order[i % order.size()];
    rig.wait(std::chrono::milliseconds(200 + rig.below(300)));
    // A node does not start without its state, so that one is not started on a read-only disk.
    const bool at_agent = fault != Fault::kReadOnly && rig.below(2) == 0;
    report.fail((at_agent ? agent : collector)
                    .suffer(fault, std::chrono::milliseconds(500 + rig.below(1000)))
                    .with_context(str_cat(at_agent ? "agent, " : "collector, ", kNames[static_cast<size_t>(fault)])));
    ++times[static_cast<size_t>(fault)];
    rig.expect_running();
  }
  for (size_t i = 0; i < kFaults.size(); ++i) {
    report.fact(std::string(kNames[i]), times[i]);
  }
  report.fact("failed calls", str_cat("agent ", agent.failed_calls(), ", collector ", collector.failed_calls()));
  if (report.passed() && agent.failed_calls() + collector.failed_calls() == 0) {
    report.fail("no call failed: the library of failing calls does not work");
  }
  rig.finish({"agent", "collector"}, std::chrono::seconds(60));
  if (!report.passed()) {
    keep_output(rig);
  }
}

}  // namespace flume::torture
