// kill -9 of agent, collector and both; in modes that promise nothing of a collector's death, of the agent only. In
// store on failure the collector is away for some of the time.
#include "common/base/text.h"
#include "node/torture/kills.h"
#include "node/torture/scenario.h"

namespace flume::torture {
namespace {

constexpr uint32_t kFiles = 4;

// Store on failure: now and then the collector is ended in an orderly way, which that mode promises to survive, and
// comes back later. Meanwhile the agent is killed with rows in its log, and afterwards while it sends them.
class Absences {
 public:
  explicit Absences(Rig& rig) : rig_(rig), wanted_(rig.options().mode == Mode::kDfo) {}

  // Before a kill of the agent.
  void maybe_end() {
    // One that was just started would not yet end in an orderly way.
    if (wanted_ && rig_.running("collector") && rig_.below(3) == 0 && rig_.flow("collector").ok()) {
      rig_.report().fail(rig_.terminate("collector"));
      until_ = rig_.elapsed() + std::chrono::milliseconds(1000 + rig_.below(2000));
      ++times_;
    }
  }
  // Not at each kill: to be asked, a process must have come so far as to have a page.
  void look() {
    if (wanted_ && rig_.below(2) == 0) {
      const auto flow = rig_.flow("agent");
      with_rows_ += flow.ok() && flow->held > 0 ? 1 : 0;
      draining_ += flow.ok() && flow->held > 0 && rig_.running("collector") ? 1 : 0;
    }
  }
  void maybe_return(bool at_once = false) {
    if (wanted_ && !rig_.running("collector") && (at_once || rig_.elapsed() >= until_)) {
      rig_.report().fail(rig_.start("collector"));
    }
  }
  bool seen() const { return !wanted_ || with_rows_ > 0; }
  void judge() {
    if (!wanted_) {
      return;
    }
    rig_.report().fact("times the collector was away", times_);
    rig_.report().fact("kills that are known to have found rows in the log", with_rows_);
    rig_.report().fact("of these, with the collector back", draining_);
    if (!seen()) {
      rig_.report().fail("no kill is known to have found rows in the log");
    }
  }

 private:
  Rig& rig_;
  const bool wanted_;
  Duration until_{};
  uint64_t times_ = 0;
  uint64_t with_rows_ = 0;
  uint64_t draining_ = 0;
};

void run_kills(Rig& rig, const std::string& stores) {
  const auto ports = rig.free_ports(1);
  rig.report().fail(ports.status());
  if (!generate_for_kills(rig, kFiles)) {
    return;
  }
  rig.describe_node("agent", rig.agent_source(), rig.agent_sink((*ports)[0]));
  rig.describe_node("collector", str_cat("collectorSource(", (*ports)[0], ")"), stores);
  const bool end_to_end = rig.options().mode == Mode::kE2e;
  const std::vector<std::string> both = {"agent", "collector"};
  for (const std::string& name : both) {
    rig.report().fail(rig.start(name));
  }
  const uint64_t wanted = kills_wanted(rig.options());
  const uint64_t longest = end_to_end ? 900 : 1900;  // without a log an agent saves its place once a second
  uint64_t times = 0;
  Absences absences(rig);
  // Up to twice as many where chance has not yet shown what is asked for.
  while ((times < wanted || (!absences.seen() && times < 2 * wanted)) && !rig.stop().stop_requested() &&
         rig.report().passed()) {
    absences.maybe_end();
    rig.wait(until_next_kill(rig, longest));
    absences.look();
    rig.expect_running();
    const uint64_t who = end_to_end ? rig.below(5) : 0;  // 2 : 2 : 1
    for (size_t i = 0; i < both.size(); ++i) {
      if (who == 4 || who / 2 == i) {
        rig.kill(both[i]);
      }
    }
    ++times;
    rig.wait(std::chrono::milliseconds(rig.below(4) == 0 ? rig.below(1000) : 0));
    if (end_to_end) {
      rig.report().fail(rig.start("collector"));
    }
    absences.maybe_return();
    rig.report().fail(rig.start("agent"));
  }
  absences.maybe_return(true);
  absences.judge();
  rig.report().fact("kills",
                    str_cat(times, " (agent ", rig.kills("agent"), ", collector ", rig.kills("collector"), ")"));
  if (!end_to_end) {
    // Each new reader may go back once in each file and each of its lives that is still there to be read.
    rig.report().promise.most_rewinds = rig.kills("agent") * kFiles * 4;
  }
  rig.finish({"agent", "collector"}, std::chrono::seconds(60));
}

}  // namespace

void run_kill(Rig& rig) { run_kills(rig, rig.collector_sink()); }

void run_commit(Rig& rig) { run_kills(rig, rig.collector_sink(std::chrono::milliseconds(400), Rig::Ack::kCommit)); }

}  // namespace flume::torture
