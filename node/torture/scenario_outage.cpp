// The collector is away for most of the run and then comes back.
#include "common/base/text.h"
#include "node/torture/scenario.h"

namespace flume::torture {

void run_outage(Rig& rig) {
  const auto ports = free_ports(1);
  rig.report().fail(ports.status());
  GeneratorOptions lines = rig.generator_options();
  lines.files = 2;
  lines.bytes_per_second = 8U << 20;
  lines.rotations = {Rotation::kRename, Rotation::kCopyTruncate};
  rig.report().fail(rig.generate(lines));
  if (!rig.report().passed()) {
    return;
  }
  rig.describe_pair((*ports)[0], (*ports)[0]);
  rig.report().fail(rig.start("collector"));
  rig.report().fail(rig.start("agent"));
  rig.wait(rig.options().time / 10);
  rig.report().fail(rig.terminate("collector"));
  const uint64_t before = rig.generator().bytes();
  rig.wait(rig.options().time * 6 / 10);
  rig.expect_running();
  rig.report().fact("bytes written while it was away", rig.generator().bytes() - before);
  const auto away = rig.flow("agent");
  rig.report().fail(away.status());
  if (away.ok()) {
    rig.report().fact("the agent meanwhile",
                      str_cat(away->state, ", ", away->in_flight, " rows in flight, ", away->dropped, " dropped"));
  }
  rig.report().fail(rig.start("collector"));
  rig.wait(rig.options().time * 3 / 10);
  rig.finish({"agent", "collector"}, std::chrono::seconds(60));
}

}  // namespace flume::torture
