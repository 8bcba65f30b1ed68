// kill -9 of agent, collector and both.
#include "common/base/text.h"
#include "node/torture/scenario.h"

namespace flume::torture {
namespace {

// Mostly any moment; a third of the kills hit a process that has just been started, which is then recovering.
Duration until_next_kill(Rig& rig) {
  const uint64_t millis = rig.below(3) == 0 ? rig.below(150) : 300 + rig.below(1200);
  return std::chrono::milliseconds(millis);
}

}  // namespace

void run_kill(Rig& rig) {
  const auto ports = free_ports(1);
  GeneratorOptions lines = rig.generator_options();
  lines.files = 4;
  // What may be lost cannot be waited for, so nothing is destroyed that was not read: only renames and copies.
  lines.rotations = {Rotation::kRename, Rotation::kCopyTruncate};
  rig.report().fail(ports.status());
  rig.report().fail(rig.generate(lines));
  if (!rig.report().passed()) {
    return;
  }
  rig.describe_pair((*ports)[0], (*ports)[0]);
  const std::vector<std::string> both = {"collector", "agent"};
  for (const std::string& name : both) {
    rig.report().fail(rig.start(name));
  }
  uint64_t times = 0;
  while (rig.in_time() && rig.report().passed()) {
    rig.wait(until_next_kill(rig));
    rig.expect_running();
    const uint64_t who = rig.below(5);  // 2 : 2 : 1
    for (size_t i = 0; i < both.size(); ++i) {
      if (who == 4 || who / 2 == i) {
        rig.kill(both[i]);
      }
    }
    ++times;
    rig.wait(std::chrono::milliseconds(rig.below(4) == 0 ? rig.below(1000) : 0));
    for (const std::string& name : both) {
      rig.report().fail(rig.start(name));
    }
  }
  rig.report().fact("kills",
                    str_cat(times, " (agent ", rig.kills("agent"), ", collector ", rig.kills("collector"), ")"));
  if (rig.options().mode == Mode::kBe) {
    // Each new reader may go back once in each file and each of its lives that is still there to be read.
    rig.report().promise.most_rewinds = rig.kills("agent") * lines.files * 4;
  }
  rig.finish({"agent", "collector"}, std::chrono::seconds(60));
}

}  // namespace flume::torture
