// Crashes at every write, sync and change of a name of a run over read positions, a write-ahead log, a delivery journal
// and output files. What the disk would hold then is made from a record of the run (disk_record.h); the node starts on
// it, gets the rows that it had not promised, and its output holds every row once. In the nightly tier some of these
// starts crash too. A third of the runs is over a log of store on failure.
//
// FLUME_CRASH_STATES is how many states there are in all; FLUME_SEED repeats a run (but for what its threads do).
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "common/base/log.h"
#include "tests/torture/log_and_output.h"
#include "tests/torture/memory_dir.h"

namespace flume::test {
namespace {

constexpr uint64_t kStatesHere = 5000;       // in all, where nobody asks for more
constexpr uint64_t kParts = 3;               // of them, side by side
constexpr uint64_t kStatesOfAScript = 2500;  // then another one
constexpr uint64_t kRows = 120;
constexpr std::array kTails = {Tail::kReordered, Tail::kTorn, Tail::kDropped, Tail::kKept, Tail::kZeros};
constexpr std::array kNames = {Names::kSome, Names::kSynced, Names::kAll};

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return parse_number<uint64_t>(text == nullptr ? "" : text).value_or(otherwise);
}

class CrashStates : public testing::TestWithParam<uint64_t> {
 public:
  CrashStates() : seed_(number_from_environment("FLUME_SEED", 1) + GetParam()), random_(seed_) {
    set_log_level(LogLevel::kOff);
  }
  ~CrashStates() override {
    set_log_level(LogLevel::kInfo);
    (void)disk_record::stop();
  }

 protected:
  uint64_t below(uint64_t n) { return random_() % n; }

  void run_script(uint64_t wanted);

  // Three processes, each of which ends in order; the rows come in batches of all sizes.
  void script() {
    for (uint64_t life = 1; life <= 3; ++life) {
      LogAndOutput node(parts_, root_, log_);
      ASSERT_TRUE(node.open().ok());
      node.start_at(node.saved());
      while (node.next() < kRows * life / 3) {
        const uint64_t rows = std::min(1 + below(6), kRows - node.next());
        ASSERT_TRUE(node.append(static_cast<uint32_t>(rows), 1 + below(700)).ok());
        if (below(2) == 0) {
          const auto settled = node.flush();
          ASSERT_TRUE(settled.ok());
          disk_record::promised(*settled);
          if (below(3) == 0) {
            ASSERT_TRUE(node.save(*settled).ok());
          }
        }
        if (below(6) == 0) {
          ASSERT_TRUE(node.wait_delivered().ok());
        }
      }
      const auto settled = node.flush();
      ASSERT_TRUE(settled.ok());
      disk_record::promised(*settled);
      ASSERT_TRUE(node.save(*settled).ok());
      ASSERT_TRUE(node.wait_delivered().ok());
      ASSERT_TRUE(node.close().ok());
    }
  }

  // The node starts on this disk; the rest comes. Every other time its source is one that goes on where it saved, else
  // one that never sends again what was promised to it. Gives the record of it.
  std::vector<disk_record::Change> recover(const CrashDisk& disk, uint64_t promised) {
    ++states_;
    disk_record::put(root_, disk);
    run_to_the_end(promised);
    return disk_record::stop();
  }
  void run_to_the_end(uint64_t promised) {
    LogAndOutput node(parts_, root_, log_);
    const Status opened = node.open();
    ASSERT_TRUE(opened.ok()) << opened.to_string();
    ASSERT_LE(node.saved(), promised);
    node.start_at(below(2) == 0 ? node.saved() : promised);
    while (node.next() < kRows) {
      ASSERT_TRUE(node.append(static_cast<uint32_t>(std::min<uint64_t>(17, kRows - node.next())), 50).ok());
    }
    const auto settled = node.flush();
    ASSERT_TRUE(settled.ok()) << settled.status().to_string();
    disk_record::promised(*settled);
    const Status delivered = node.wait_delivered();
    ASSERT_TRUE(delivered.ok()) << delivered.to_string();
    const Status closed = node.close();
    ASSERT_TRUE(closed.ok()) << closed.to_string();
    const torture::Account found = node.account(kRows);
    ASSERT_TRUE(found.perfect()) << found.to_text();
  }

  // One thing that a crash at this point could leave; now and then the start on that crashes too.
  void crash(const disk_record::Replay& at, Tail tail, Names names) {
    SCOPED_TRACE(str_cat("tail ", static_cast<int>(tail), ", names ", static_cast<int>(names), ", state ", states_));
    const CrashDisk disk = at.disk().after_crash(tail, names, random_());
    const std::vector<disk_record::Change> record = recover(disk, at.promised());
    if (HasFatalFailure() || !starts_crash_too_ || below(4) != 0) {
      return;
    }
    const size_t n = below(record.size() + 1);
    SCOPED_TRACE(str_cat("and again behind ", n, " changes"));
    disk_record::Replay again(disk);
    std::for_each_n(record.begin(), n, [&again](const auto& change) { again.apply(change); });
    recover(again.disk().after_crash(kTails[below(kTails.size())], kNames[below(kNames.size())], random_()),
            std::max(at.promised(), again.promised()));
  }

  const uint64_t seed_;
  Random random_;
  const MemoryDir dir_;
  const std::string root_ = dir_.path();
  SharedParts parts_;
  const LogAndOutput::Log log_ =
      GetParam() == kParts - 1 ? LogAndOutput::Log::kDiskFailover : LogAndOutput::Log::kWriteAhead;
  const uint64_t wanted_ = (number_from_environment("FLUME_CRASH_STATES", kStatesHere) + kParts - 1) / kParts;
  const bool starts_crash_too_ = std::getenv("FLUME_CRASH_STATES") != nullptr;  // nightly
  uint64_t states_ = 0;
  uint64_t changes_ = 0;  // of the disk, in all scripts
};

// A script, and all crashes of it until there are `wanted` states.
void CrashStates::run_script(uint64_t wanted) {
  disk_record::put(root_, CrashDisk());
  ASSERT_NO_FATAL_FAILURE(script());
  const std::vector<disk_record::Change> record = disk_record::stop();
  disk_record::Replay replay((CrashDisk()));
  const uint64_t before = states_;
  uint64_t done = 0;
  for (const disk_record::Change& change : record) {
    replay.apply(change);
    SCOPED_TRACE(str_cat("crash behind change ", ++done, " of ", record.size(), ", FLUME_SEED=", seed_ - GetParam(),
                         starts_crash_too_ ? str_cat(" FLUME_CRASH_STATES=", kParts * wanted_) : ""));
    // Each way of losing what was not synced at each point, and more of them until there are enough.
    for (size_t i = 0; i < kTails.size() || states_ - before < wanted * done / record.size(); ++i) {
      crash(replay, kTails[i % kTails.size()], kNames[below(kNames.size())]);
      ASSERT_FALSE(HasFatalFailure());
    }
  }
  changes_ += record.size();
}

TEST_P(CrashStates, EveryRowIsThereOnceWhateverACrashLeft) {
  uint64_t scripts = 0;
  for (; states_ < wanted_ && !HasFatalFailure(); ++scripts) {
    run_script(std::min(wanted_ - states_, kStatesOfAScript));
  }
  std::printf("%llu crash states at %llu places in %llu runs, seed %llu\n", static_cast<unsigned long long>(states_),
              static_cast<unsigned long long>(changes_), static_cast<unsigned long long>(scripts),
              static_cast<unsigned long long>(seed_));
  EXPECT_GE(states_, wanted_);
}

INSTANTIATE_TEST_SUITE_P(Part, CrashStates, testing::Range<uint64_t>(0, kParts));

}  // namespace
}  // namespace flume::test
