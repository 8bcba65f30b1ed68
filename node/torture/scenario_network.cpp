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
constexpr std::array kFaults = {NetFault::kDelay,   NetFault::kBlackhole, NetFault::kStall,   NetFault::kReset,
                                NetFault::kCorrupt, NetFault::kHalfClose, NetFault::kThrottle};

FaultOrder order_for(Rig& rig, NetFault fault) {
  FaultOrder order;
  order.fault = fault;
  order.bit = static_cast<uint8_t>(rig.below(8));
  order.bytes = fault == NetFault::kThrottle ? 10'000 : rig.below(64U << 10);
  order.delay = std::chrono::milliseconds(20 + rig.below(400));
  order.new_ones = rig.below(2) == 0;
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
  proxy.order(order_for(rig, kFaults[kind]));
  rig.wait(time);
  proxy.heal();
  return {};
}

}  // namespace

void run_network(Rig& rig) {
  const Status own = own_network();
  rig.report().fact("a network of its own", own.ok() ? "yes" : std::string(own.message()));
  const auto ports = free_ports(1);
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
  const Pairs quick = {{"flume.link.heartbeat.millis", "300"},
                       {"flume.link.silence.millis", std::to_string(kSilence.count())}};
  rig.describe_pair((*proxy)->port(), (*ports)[0], quick, quick);
  rig.report().fail(rig.start("collector"));
  rig.report().fail(rig.start("agent"));
  std::array<uint64_t, kKinds> times{};
  // Every kind comes once in each round, in an order of its own: a short run sees them all.
  std::vector<size_t> order(own.ok() ? kKinds : kFaults.size());
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = 0; rig.in_time() && rig.report().passed(); ++i) {
    if (i % order.size() == 0) {
      std::shuffle(order.begin(), order.end(), rig.random());
    }
    const size_t kind = order[i % order.size()];
    ++times[kind];
    rig.report().fail(suffer(rig, **proxy, kind));
    wait_for_flow(rig, **proxy);
    rig.expect_running();
  }
  (*proxy)->heal();
  // A link that died of the last fault is noticed after its silence; the last lines are to go over a sound one: in the
  // hands of a dead one they may be lost, where nothing promises otherwise.
  rig.wait(2 * kSilence);
  wait_for_flow(rig, **proxy);
  for (size_t i = 0; i < kFaults.size(); ++i) {
    rig.report().fact(std::string(name_of(kFaults[i])), times[i]);
  }
  rig.report().fact("network away", times[kNetworkAway]);
  rig.finish({"agent", "collector"}, std::chrono::seconds(60));
  const ProxyCounts counts = (*proxy)->counts();
  rig.report().fact("connections", counts.connections);
  rig.report().fact("bits flipped", counts.corrupted);
  rig.report().fact("resets", counts.resets);
  rig.report().fact("half-closes", counts.half_closed);
}

}  // namespace flume::torture
