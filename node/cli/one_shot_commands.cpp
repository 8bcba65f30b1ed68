// flume dump, source and sink: one flow between a component and the terminal, with nothing kept.
#include <cstdio>
#include <utility>

#include "common/base/text.h"
#include "common/cli/options.h"
#include "node/cli/running.h"

namespace flume::node {
namespace {

struct DumpOptions {
  std::string source;
  std::string format;
};

void declare_dump(CLI::App& app, DumpOptions& options) {
  app.add_option("source", options.source, "the source, in the dataflow language")->required()->type_name("SOURCE");
  app.add_option("format", options.format, "output format (default: the one of console)")->type_name("FORMAT");
}

void declare_sink(CLI::App& app, std::string& sink) {
  app.add_option("sink", sink, "the sink, in the dataflow language")->required()->type_name("SINK");
}

Command dump_command(const std::string& name, const Settings& settings, const Registry& registry) {
  const std::string text = "Shows the events of a source, until it ends or Ctrl-C.";
  CLI::App shown(text, name);
  DumpOptions unused;
  declare_dump(shown, unused);
  return {name, "show the events of a source", usage_of(shown),
          [name, text, &settings, &registry](std::span<const std::string> args) {
            CLI::App app(text, name);
            DumpOptions options;
            declare_dump(app, options);
            if (const auto code = parse_options(app, args)) {
              return *code;
            }
            const std::string sink = options.format.empty() ? "console" : str_cat("console(", options.format, ")");
            return run_flow(name, options.source, sink, settings, registry);
          }};
}

Command sink_command(const Settings& settings, const Registry& registry) {
  const std::string text = "Gives each line of standard input to a sink, until it ends.";
  CLI::App shown(text, "sink");
  std::string unused;
  declare_sink(shown, unused);
  return {"sink", "give standard input to a sink", usage_of(shown),
          [text, &settings, &registry](std::span<const std::string> args) {
            CLI::App app(text, "sink");
            std::string sink;
            declare_sink(app, sink);
            if (const auto code = parse_options(app, args)) {
              return *code;
            }
            return run_flow("sink", "stdin", sink, settings, registry);
          }};
}

}  // namespace

std::vector<Command> one_shot_commands(const Settings& settings, const Registry& registry) {
  return {dump_command("dump", settings, registry), dump_command("source", settings, registry),
          sink_command(settings, registry)};
}

}  // namespace flume::node
