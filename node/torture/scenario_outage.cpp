// The collector is away for most of the run and then comes back.
#include <filesystem>
#include <system_error>

#include "common/base/text.h"
#include "node/torture/scenario.h"

namespace flume::torture {
namespace {

// Less than is written while the collector is away: a log gets full, and then the files are not read.
constexpr uint64_t kLogBytes = 12U << 20;

uint64_t bytes_below(const std::string& folder) {
  uint64_t sum = 0;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    const auto size = it->is_regular_file(gone) ? it->file_size(gone) : 0;
    sum += gone ? 0 : size;
  }
  return sum;
}

// Polls the agent's page until it says so.
template <class Condition>
void wait_for_agent(Rig& rig, std::string_view what, Condition condition) {
  const Wait wait = Wait::for_duration(std::chrono::seconds(60), rig.stop());
  auto flow = rig.flow("agent");
  while (flow.ok() && !condition(*flow) && !wait.over()) {
    rig.wait(std::chrono::milliseconds(50));
    flow = rig.flow("agent");
  }
  if (!flow.ok() || !condition(*flow)) {
    rig.report().fail(flow.ok() ? str_cat("the agent never ", what) : std::string(flow.status().message()));
  }
}

// The log is at its limit: the source is read no more, while its files grow.
void wait_until_full(Rig& rig) {
  wait_for_agent(rig, "filled its log", [](const Rig::Flow& flow) { return flow.state == "BLOCKED"; });
  const auto flow = rig.flow("agent");
  const uint64_t read = flow.ok() ? flow->read : 0;
  rig.report().fact("lines not read for a full log", rig.generator().lines() - read);
  if (rig.generator().lines() <= read) {
    rig.report().fail("the log is full, but its source is read to the end");
  }
}

void wait_until_dropped(Rig& rig) {
  wait_for_agent(rig, "dropped a row", [](const Rig::Flow& flow) { return flow.dropped > 0; });
}

// The last lines are to find the collector: what best effort drops until its next try is not what is asked here.
void wait_until_delivering(Rig& rig) {
  const auto before = rig.flow("agent");
  const uint64_t delivered = before.ok() ? before->delivered : 0;
  wait_for_agent(rig, "delivered again", [&](const Rig::Flow& flow) { return flow.delivered > delivered; });
}

}  // namespace

void run_outage(Rig& rig) {
  const auto ports = rig.free_ports(1);
  rig.report().fail(ports.status());
  GeneratorOptions lines = rig.generator_options();
  lines.files = 2;
  lines.bytes_per_second = 8U << 20;
  lines.rotations = {Rotation::kRename};  // see docs/reliability.md: a copy of what nobody has looked at yet
  rig.report().fail(rig.generate(lines));
  if (!rig.report().passed()) {
    return;
  }
  const bool best_effort = rig.options().mode == Mode::kBe;
  // The outage is longer than the ages at which the classic system sent and best effort gives up.
  Pairs limits = {{"flume.agent.logdir.maxage", "1000"}};
  if (best_effort) {
    limits.emplace_back("flume.agent.be.wait.millis", "1000");
  } else {
    limits.emplace_back("flume.wal.max.bytes", std::to_string(kLogBytes));
  }
  rig.describe_pair((*ports)[0], (*ports)[0], limits);
  rig.report().fail(rig.start("collector"));
  rig.report().fail(rig.start("agent"));
  rig.wait(rig.options().time / 10);
  rig.report().fail(rig.wait_up("collector"));
  rig.report().fail(rig.terminate("collector"));
  const uint64_t before = rig.generator().bytes();
  rig.wait(rig.options().time * 6 / 10);
  if (best_effort) {
    wait_until_dropped(rig);
  } else {
    wait_until_full(rig);
  }
  rig.expect_running();
  rig.report().fact("bytes written while it was away", rig.generator().bytes() - before);
  const auto away = rig.flow("agent");
  rig.report().fail(away.status());
  if (away.ok()) {
    rig.report().fact("the agent meanwhile",
                      str_cat(away->state, ", ", away->in_flight, " rows in flight, ", away->dropped, " dropped"));
  }
  const uint64_t held = bytes_below(rig.path("state-agent"));
  rig.report().fact("bytes of the agent's state meanwhile", held);
  if (held > 2 * kLogBytes) {
    rig.report().fail(str_cat("the agent's state took ", held, " bytes, with a limit of ", kLogBytes));
  }
  rig.report().fail(rig.start("collector"));
  rig.wait(rig.options().time * 3 / 10);
  wait_until_delivering(rig);
  rig.finish({"agent", "collector"}, std::chrono::seconds(60));
  const uint64_t dropped = rig.dropped();
  if (best_effort && (dropped == 0 || dropped != rig.report().account.lost)) {
    rig.report().fail(str_cat(rig.report().account.lost, " lines lost, ", dropped, " counted as dropped"));
  }
}

}  // namespace flume::torture
