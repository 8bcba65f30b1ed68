// A proxy between agent and collector does what networks do. Where the machine lets this run have a network of its own,
// that one goes away now and then.
#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "common/base/text.h"
#include "node/torture/namespaces.h"
#include "node/torture/proxy.h"
#include "node/torture/scenario.h"

namespace flume::torture {
namespace {

constexpr auto kSilence = std::chrono::milliseconds(1000);
// The collector waits longer than the agent: the agent's next connection finds the old one still there, and what the
// old one brings late has to be dropped.
constexpr auto kCollectorSilence = 3 * kSilence;
constexpr std::array kFaults = {NetFault::kDelay,     NetFault::kBlackhole, NetFault::kStall,
                                NetFault::kReset,     NetFault::kCorrupt,   NetFault::kCorruptAnswer,
                                NetFault::kHalfClose, NetFault::kThrottle};
constexpr uint64_t kAnswerBytes = 64;  // less than the shortest reply

FaultOrder order_for(Rig& rig, NetFault fault) {
  FaultOrder order;
  order.fault = fault;
  order.bit = static_cast<uint8_t>(rig.below(8));
  order.bytes = fault == NetFault::kThrottle        ? 10'000
                : fault == NetFault::kCorruptAnswer ? rig.below(kAnswerBytes)
                                                    : rig.below(64U << 10);
  order.delay = std::chrono::milliseconds(20 + rig.below(400));
  order.new_ones = fault != NetFault::kStall && rig.below(2) == 0;
  return order;
}

// Until bytes pass again: the fault before may have left a dead connection that nobody has noticed yet.
void wait_for_flow(Rig& rig, const FaultProxy& proxy) {
  const uint64_t before = proxy.counts().bytes;
  const Wait wait = Wait::for_duration(std::chrono::seconds(8), rig.stop());
  while (proxy.counts().bytes < before + (64U << 10) && !wait.over()) {
    rig.wait(std::chrono::milliseconds(20));
  }
}

constexpr std::string_view kRefused = "flume_link_peers_refused_total";
constexpr std::string_view kAnswersRefused = "flume_link_answers_refused_total";

// Kinds of faults: those of the proxy, and one of the network itself.
constexpr size_t kKinds = kFaults.size() + 1;
constexpr size_t kNetworkAway = kFaults.size();

Status suffer(Rig& rig, FaultProxy& proxy, size_t kind) {
  const Duration time = std::chrono::milliseconds(100 + rig.below(1000));
  if (kind == kNetworkAway) {
    FLUME_RETURN_IF_ERROR(set_loopback(false));
    rig.wait(time);
    return set_loopback(true);
  }
  const NetFault fault = kFaults[kind];
  proxy.order(order_for(rig, fault));
  // A stall shorter than the silence is a delay: no new connection is made, and nothing can come behind it.
  rig.wait(fault == NetFault::kStall ? 2 * kSilence : time);
  proxy.heal();
  return {};
}

uint64_t counted(Rig& rig, std::string_view what, const std::string& who = "collector") {
  const auto count = rig.counter(who, what);
  rig.report().fail(count.status());
  return count.ok() ? *count : 0;
}

struct Tally {
  std::array<uint64_t, kKinds> times{};
  uint64_t refused_after_flips = 0;
};

// Every kind comes once in each round, in an order of its own. A round that was begun is ended.
Tally suffer_all(Rig& rig, FaultProxy& proxy, size_t kinds) {
  Tally tally;
  std::vector<size_t> order(kinds);
  std::iota(order.begin(), order.end(), 0);
  do {
    std::shuffle(order.begin(), order.end(), rig.random());
    for (const size_t kind : order) {
      if (rig.stop().stop_requested() || !rig.report().passed()) {
        return tally;
      }
      ++tally.times[kind];
      const uint64_t before = counted(rig, kRefused);
      rig.report().fail(suffer(rig, proxy, kind));
      wait_for_flow(rig, proxy);
      const bool flips = kind < kFaults.size() && kFaults[kind] == NetFault::kCorrupt;
      tally.refused_after_flips += flips ? counted(rig, kRefused) - before : 0;
      rig.expect_running();
    }
  } while (rig.in_time());
  return tally;
}

// What the faults did, by the proxy's and the collector's own counts.
void judge(Rig& rig, const Tally& tally, const ProxyCounts& counts) {
  RunReport& report = rig.report();
  for (size_t i = 0; i < kFaults.size(); ++i) {
    report.fact(std::string(name_of(kFaults[i])), tally.times[i]);
  }
  report.fact("network away", tally.times[kNetworkAway]);
  const uint64_t superseded = counted(rig, "flume_link_superseded_total");
  report.fact("links that the next one found still open", superseded);
  report.fact("peers refused", counted(rig, kRefused));
  report.fact("of these, after flipped bits", tally.refused_after_flips);
  report.fact("connections", counts.connections);
  report.fact("bits flipped", counts.corrupted);
  report.fact("bits flipped in answers", counts.corrupted_answers);
  const uint64_t answers_refused = counted(rig, kAnswersRefused, "agent");
  report.fact("answers refused", answers_refused);
  report.fact("resets", counts.resets);
  report.fact("half-closes", counts.half_closed);
  const auto must_be = [&](uint64_t count, std::string_view what) {
    if (count == 0) {
      report.fail(str_cat("not once: ", what));
    }
  };
  must_be(superseded, "a new link while the old one was still open");
  must_be(counts.corrupted, "a flipped bit");
  must_be(counts.resets, "a reset");
  must_be(counts.half_closed, "a half-close");
  if (counts.corrupted > 0) {
    must_be(tally.refused_after_flips, "a frame refused for its flipped bit");
  }
  must_be(counts.corrupted_answers, "a flipped bit in an answer");
  must_be(answers_refused, "an answer refused for its flipped bit");
}

}  // namespace

void run_network(Rig& rig) {
  const Status own = own_network();
  rig.report().fact("a network of its own", own.ok() ? "yes" : std::string(own.message()));
  const auto ports = rig.free_ports(1);
  rig.report().fail(ports.status());
  if (!ports.ok()) {
    return;
  }
  auto proxy = FaultProxy::start((*ports)[0]);
  GeneratorOptions lines = rig.generator_options();
  lines.files = 3;
  lines.rotations = {Rotation::kRename};
  rig.report().fail(proxy.status());
  rig.report().fail(rig.generate(lines));
  if (!rig.report().passed()) {
    return;
  }
  const auto quick = [](Duration silence) -> Pairs {
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(silence).count();
    return {{"flume.link.heartbeat.millis", "300"}, {"flume.link.silence.millis", std::to_string(millis)}};
  };
  rig.describe_pair((*proxy)->port(), (*ports)[0], quick(kSilence), quick(kCollectorSilence));
  rig.report().fail(rig.start("collector"));
  rig.report().fail(rig.start("agent"));
  wait_for_flow(rig, **proxy);
  const Tally tally = suffer_all(rig, **proxy, own.ok() ? kKinds : kFaults.size());
  (*proxy)->heal();
  // A link that died of the last fault is noticed after its silence; the last lines are to go over a sound one: in the
  // hands of a dead one they may be lost, where nothing promises otherwise.
  rig.wait(2 * kSilence);
  wait_for_flow(rig, **proxy);
  judge(rig, tally, (*proxy)->counts());
  rig.finish({"agent", "collector"}, std::chrono::seconds(60));
}

}  // namespace flume::torture
