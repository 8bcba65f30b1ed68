// A proxy between agent and collector does what networks do.
#include <array>

#include "common/base/text.h"
#include "node/torture/proxy.h"
#include "node/torture/scenario.h"

namespace flume::torture {
namespace {

constexpr std::array kFaults = {NetFault::kDelay,   NetFault::kBlackhole, NetFault::kStall,   NetFault::kReset,
                                NetFault::kCorrupt, NetFault::kHalfClose, NetFault::kThrottle};

FaultOrder order_for(Rig& rig, NetFault fault) {
  FaultOrder order;
  order.fault = fault;
  order.bit = static_cast<uint8_t>(rig.below(8));
  order.bytes = fault == NetFault::kThrottle ? 10'000 : rig.below(1U << 20);
  order.delay = std::chrono::milliseconds(20 + rig.below(400));
  order.new_ones = rig.below(2) == 0;
  return order;
}

}  // namespace

void run_network(Rig& rig) {
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
  rig.describe_pair((*proxy)->port(), (*ports)[0]);
  rig.report().fail(rig.start("collector"));
  rig.report().fail(rig.start("agent"));
  std::array<uint64_t, kFaults.size()> times{};
  // Every kind comes once in each round, in an order of its own: a short run sees them all.
  std::array order = {0, 1, 2, 3, 4, 5, 6};
  for (size_t i = 0; rig.in_time() && rig.report().passed(); ++i) {
    if (i % order.size() == 0) {
      std::shuffle(order.begin(), order.end(), rig.random());
    }
    const auto kind = static_cast<size_t>(order[i % order.size()]);
    ++times[kind];
    (*proxy)->order(order_for(rig, kFaults[kind]));
    rig.wait(std::chrono::milliseconds(200 + rig.below(1800)));
    (*proxy)->heal();
    rig.wait(std::chrono::milliseconds(rig.below(800)));
    rig.expect_running();
  }
  (*proxy)->heal();
  for (size_t i = 0; i < kFaults.size(); ++i) {
    rig.report().fact(std::string(name_of(kFaults[i])), times[i]);
  }
  rig.finish({"agent", "collector"}, std::chrono::seconds(60));
  const ProxyCounts counts = (*proxy)->counts();
  rig.report().fact("connections", counts.connections);
  rig.report().fact("bits flipped", counts.corrupted);
  rig.report().fact("resets", counts.resets);
  rig.report().fact("half-closes", counts.half_closed);
}

}  // namespace flume::torture
