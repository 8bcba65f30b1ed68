// Full speed for long: what was checked is removed at both ends; memory and descriptors must stay flat, and memory
// within what the buffers allow.
#include <algorithm>
#include <deque>
#include <filesystem>
#include <system_error>

#include "common/base/text.h"
#include "node/torture/scenario.h"

namespace flume::torture {
namespace {

constexpr uint64_t kMiB = 1U << 20;
constexpr uint64_t kMemoryBand = 32 * kMiB;  // the halves of a run may differ by that much
constexpr uint64_t kDescriptorBand = 8;
// What a node may have at most: the program itself, and the buffers it is allowed by settings and by design.
constexpr uint64_t kProgram = 32 * kMiB;
constexpr uint64_t kLinkWindow = 4 * kMiB;     // flume.link.window.bytes: sent and not yet answered
constexpr uint64_t kLogQueue = 16 * kMiB;      // rows that a log has taken and not yet synced (WalOptions)
constexpr uint64_t kLogGroup = 4 * kMiB;       // flume.wal.group.bytes: being written
constexpr uint64_t kInbox = 8 * kMiB;          // received and not yet handed on
constexpr uint64_t kUnderWay = 8 * kMiB;       // copies of rows that came without a log, until they are stored
constexpr uint64_t kFreeForFrames = 4 * kMiB;  // kept for the next ones
constexpr uint64_t kMostOfCollector = kProgram + kInbox + kUnderWay + kFreeForFrames;

uint64_t most_of_agent(Mode mode) { return kProgram + kLinkWindow + (mode == Mode::kBe ? 0 : kLogQueue + kLogGroup); }

constexpr uint64_t kMostBehind = 512U << 20;  // bytes on the disk that the oracle has not seen yet
constexpr uint64_t kLifeBytes = 256U << 20;   // of a file: few are open at a time, though renamed ones stay so for 5 s
constexpr uint64_t kBurst = 1000;

struct Peak {
  uint64_t memory = 0;
  uint64_t descriptors = 0;
  void look(const Process* process) {
    if (process != nullptr) {
      memory = std::max(memory, process->resident_bytes());
      descriptors = std::max(descriptors, process->descriptors());
    }
  }
};

// The highest of the first half, after a time to warm up, and of the second.
class Watched {
 public:
  Watched(Rig& rig, std::string name, uint64_t most) : rig_(rig), name_(std::move(name)), most_(most) {}
  void look() {
    const Duration now = rig_.elapsed();
    ever_.look(rig_.process(name_));
    if (now > rig_.options().time / 5) {
      (now < rig_.options().time / 2 ? early_ : late_).look(rig_.process(name_));
    }
  }
  void judge() {
    rig_.report().fact(str_cat(name_, ": highest memory, descriptors of the first and second half"),
                       str_cat(early_.memory >> 20, " MiB, ", early_.descriptors, "; ", late_.memory >> 20, " MiB, ",
                               late_.descriptors));
    if (late_.memory > early_.memory + kMemoryBand || late_.descriptors > early_.descriptors + kDescriptorBand) {
      rig_.report().fail(str_cat(name_, ": memory or descriptors grow"));
    }
    rig_.report().fact(str_cat(name_, ": highest memory of all, and the most it may have"),
                       str_cat(ever_.memory / kMiB, " MiB, ", most_ / kMiB, " MiB"));
    if (ever_.memory == 0 || ever_.memory > most_) {
      rig_.report().fail(str_cat(name_, ": ", ever_.memory / kMiB, " MiB of memory, at most ", most_ / kMiB));
    }
  }

 private:
  Rig& rig_;
  const std::string name_;
  const uint64_t most_;
  Peak ever_;
  Peak early_;
  Peak late_;
};

// Feeds finished output files to the oracle and removes them; then input files all of which came through.
class Conveyor {
 public:
  Conveyor(Rig& rig, Generator& generator) : rig_(rig), generator_(generator), oracle_(std::nullopt) {}

  Status write() {
    FLUME_RETURN_IF_ERROR(generator_.write_lines(0, kBurst));
    if (generator_.bytes() > life_began_ + kLifeBytes) {
      FLUME_RETURN_IF_ERROR(generator_.rotate(0, Rotation::kRename, {}));
      life_began_ = generator_.bytes();
      ends_.push_back(life_began_);
    }
    return {};
  }

  Status drain() {
    for (const std::string& file : output_files(rig_.output())) {
      if (file.ends_with(".tmp")) {
        continue;
      }
      std::error_code error;
      const auto size = std::filesystem::file_size(file, error);
      if (error) {
        continue;
      }
      FLUME_RETURN_IF_ERROR(oracle_.read_file(file));
      std::filesystem::remove(file, error);
      drained_ += size;
    }
    for (; !ends_.empty() && ends_.front() <= drained_; ends_.pop_front()) {
      FLUME_RETURN_IF_ERROR(generator_.remove_oldest(0));
    }
    return {};
  }

  uint64_t behind() const { return generator_.bytes() - std::min(drained_, generator_.bytes()); }
  uint64_t drained() const { return drained_; }
  Account finish() { return oracle_.finish(); }

 private:
  Rig& rig_;
  Generator& generator_;
  Oracle oracle_;
  uint64_t drained_ = 0;
  uint64_t life_began_ = 0;
  std::deque<uint64_t> ends_;  // bytes written when each rotated file that is still there was complete
};

}  // namespace

void run_soak(Rig& rig) {
  RunReport& report = rig.report();
  const auto ports = rig.free_ports(1);
  report.fail(ports.status());
  Generator generator(rig.generator_options());
  report.fail(generator.open());
  if (!report.passed()) {
    return;
  }
  rig.describe_node("agent", rig.agent_source(), rig.agent_sink((*ports)[0]));
  rig.describe_node("collector", str_cat("collectorSource(", (*ports)[0], ")"),
                    rig.collector_sink(std::chrono::milliseconds(500)));
  report.fail(rig.start("collector"));
  report.fail(rig.start("agent"));
  Conveyor conveyor(rig, generator);
  Watched agent(rig, "agent", most_of_agent(rig.options().mode));
  Watched collector(rig, "collector", kMostOfCollector);
  // A file that was written and renamed before the agent looked for the first time is nobody's.
  report.fail(conveyor.write());
  const Wait first = Wait::for_duration(std::chrono::seconds(30), rig.stop());
  while (conveyor.drained() == 0 && !first.over() && report.passed()) {
    rig.wait(std::chrono::milliseconds(5));
    report.fail(conveyor.drain());
  }
  while (rig.in_time() && report.passed()) {
    if (conveyor.behind() < kMostBehind) {
      report.fail(conveyor.write());
    } else {
      rig.wait(std::chrono::milliseconds(5));
    }
    report.fail(conveyor.drain());
    agent.look();
    collector.look();
    rig.expect_running();
  }
  report.fact("MB a second", static_cast<uint64_t>(static_cast<double>(conveyor.drained()) / 1e6 /
                                                   std::chrono::duration<double>(rig.elapsed()).count()));
  const Wait wait = Wait::for_duration(std::chrono::seconds(60), rig.stop());
  while (conveyor.behind() > 0 && !wait.over() && report.passed()) {
    rig.wait(std::chrono::milliseconds(50));
    report.fail(conveyor.drain());
  }
  rig.check_ledgers({"agent", "collector"});
  report.fail(rig.terminate("agent"));
  report.fail(rig.terminate("collector"));
  report.fail(conveyor.drain());
  report.account = conveyor.finish();
  report.account.expected = generator.lines();
  if (report.account.lines < generator.lines()) {
    report.fail(str_cat(generator.lines() - report.account.lines, " lines missing"));
  }
  agent.judge();
  collector.judge();
  report.judge();
}

}  // namespace flume::torture
