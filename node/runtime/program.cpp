#include "node/runtime/program.h"

#include <algorithm>
#include <utility>

#include "common/base/text.h"
#include "dataflow-lang/checker.h"

namespace flume::node {

namespace {

// The first component in the tree that runs commands; null when there is none.
const lang::ComponentSpec* command_runner(const lang::Plan& plan, const lang::Catalog& catalog) {
  using Kind = lang::ComponentSpec::Kind;
  Kind kind = Kind::kSink;
  if (plan.kind == lang::Plan::Kind::kSource) {
    kind = Kind::kSource;
  } else if (plan.kind == lang::Plan::Kind::kDecorator) {
    kind = Kind::kDecorator;
  }
  const lang::ComponentSpec* spec = catalog.find(kind, plan.name);
  if (spec != nullptr && spec->runs_commands) {
    return spec;
  }
  for (const auto& child : plan.children) {
    if (const lang::ComponentSpec* found = command_runner(*child, catalog)) {
      return found;
    }
  }
  return nullptr;
}

// Does anything in the tree send rows on to another node, or keep them for that?
bool sends_on(const lang::Plan& plan, const lang::Catalog& catalog) {
  using Kind = lang::ComponentSpec::Kind;
  const lang::ComponentSpec* spec =
      catalog.find(plan.kind == lang::Plan::Kind::kDecorator ? Kind::kDecorator : Kind::kSink, plan.name);
  const bool is_end = spec == nullptr || spec->keeps == lang::Keeps::kNothing || spec->keeps == lang::Keeps::kJournal;
  return !is_end || std::any_of(plan.children.begin(), plan.children.end(),
                                [&](const lang::PlanPtr& child) { return sends_on(*child, catalog); });
}

// What classic end-to-end agents put around groups of events is checked and taken off where the events stay. A relay
// leaves it to the next collector. What is packed (gzip, batch) shows its groups only when it is unpacked:
// collectorSink does that, and checks them itself.
lang::PlanPtr with_groups_checked(const lang::PlanPtr& sink, const lang::ComponentSpec* source,
                                  const lang::Catalog& catalog) {
  constexpr char kChecker[] = "ackChecker";
  const bool has_checker = catalog.find(lang::ComponentSpec::Kind::kDecorator, kChecker) != nullptr;
  if (source == nullptr || !source->receives || !has_checker || sends_on(*sink, catalog)) {
    return sink;
  }
  auto checked = std::make_shared<lang::Plan>();
  checked->kind = lang::Plan::Kind::kDecorator;
  checked->name = kChecker;
  checked->path = str_cat(sink->path, ".", kChecker);
  checked->children = {sink};
  return checked;
}

std::string error_text(const std::vector<lang::Diagnostic>& diagnostics) {
  std::vector<lang::Diagnostic> errors;
  for (const lang::Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity == lang::Severity::kError) {
      errors.push_back(diagnostic);
    }
  }
  std::string text = lang::to_text(errors);
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  return text;
}

}  // namespace

ProgramPtr compile(const lang::NodePlan& plan, const Registry& registry) {
  auto program = std::make_shared<Program>();
  program->source_text = plan.source->text;
  program->sink_text = plan.sink->text;
  const lang::ComponentSpec* spec = registry.catalog().find(lang::ComponentSpec::Kind::kSource, plan.source->name);
  program->replayable = spec != nullptr && spec->replayable;
  program->promise = promise_of(plan, registry.catalog());
  program->source = [&registry, source = plan.source] { return Build(registry).source(source); };
  program->sink = Build(registry).again(with_groups_checked(plan.sink, spec, registry.catalog()));
  return program;
}

lang::CheckOptions check_options(const Settings& settings) {
  lang::CheckOptions options;
  options.setting = [&settings](std::string_view name) -> std::optional<std::string> { return settings.text(name); };
  return options;
}

Result<ProgramPtr> compile(const LogicalConfig& config, const Registry& registry, const Settings& settings,
                           const Capabilities& capabilities) {
  const lang::CheckedNode checked =
      lang::check_node(config.name, config.source, config.sink, registry.catalog(), check_options(settings));
  if (!checked.ok()) {
    return invalid(error_text(checked.diagnostics));
  }
  if (config.pushed && !capabilities.pushed_exec) {
    for (const auto& plan : {checked.plan.source, checked.plan.sink}) {
      if (const lang::ComponentSpec* spec = command_runner(*plan, registry.catalog())) {
        return Status(Code::kPermission,
                      str_cat(spec->name,
                              " runs commands of the machine, and this node takes such configurations only "
                              "from its own command line; its owner can allow them with ",
                              "flume.node.pushed.exec=true"));
      }
    }
  }
  auto program = std::make_shared<Program>(*compile(checked.plan, registry));
  program->flow = config.flow;
  program->revision = config.revision;
  return ProgramPtr(std::move(program));
}

}  // namespace flume::node
