#include "dataflow-lang/checker.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/base/text.h"
#include "dataflow-lang/argument_check.h"
#include "dataflow-lang/parser.h"
#include "dataflow-lang/printer.h"

namespace flume::lang {
namespace {

using Kind = ComponentSpec::Kind;

// "no sink 'tail'; there is a source of that name"
std::string other_kinds(const Catalog& catalog, Kind wanted, std::string_view name) {
  for (const Kind kind : {Kind::kSource, Kind::kSink, Kind::kDecorator, Kind::kFormat}) {
    if (kind != wanted && catalog.find(kind, name) != nullptr) {
      return str_cat("; there is a ", kind_name(kind), " of that name");
    }
  }
  return "";
}

void append(std::vector<Diagnostic>& to, std::vector<Diagnostic> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

class TreeCheck {
 public:
  explicit TreeCheck(CheckContext context) : context_(context) {}

  PlanPtr source(const Call& tree, std::string path) {
    auto plan = std::make_shared<Plan>();
    plan->kind = Plan::Kind::kSource;
    plan->path = std::move(path);
    plan->text = print(tree);
    return call(tree, Kind::kSource, *plan) ? plan : nullptr;
  }

  PlanPtr sink(const SinkTree& tree, std::string path) {
    auto plan = std::make_shared<Plan>();
    plan->kind = plan_kind(tree.kind);
    plan->path = std::move(path);
    plan->text = print(tree);
    bool good = true;
    if (tree.kind != SinkTree::Kind::kFanOut && tree.kind != SinkTree::Kind::kFailover) {
      good = call(tree.call, tree.kind == SinkTree::Kind::kDecorated ? Kind::kDecorator : Kind::kSink, *plan);
    }
    const std::string below = plan->path + (tree.kind == SinkTree::Kind::kFailover ? ".failover." : ".");
    for (size_t i = 0; i < tree.children.size(); ++i) {
      PlanPtr child = sink(tree.children[i], str_cat(below, i));
      good = good && child != nullptr;
      plan->children.push_back(std::move(child));
    }
    return good ? plan : nullptr;
  }

 private:
  static Plan::Kind plan_kind(SinkTree::Kind kind) {
    switch (kind) {
      case SinkTree::Kind::kPlain: return Plan::Kind::kSink;
      case SinkTree::Kind::kDecorated: return Plan::Kind::kDecorator;
      case SinkTree::Kind::kFanOut: return Plan::Kind::kFanOut;
      case SinkTree::Kind::kFailover: return Plan::Kind::kFailover;
      case SinkTree::Kind::kRoll: return Plan::Kind::kRoll;
      case SinkTree::Kind::kCollector: return Plan::Kind::kCollector;
    }
    return Plan::Kind::kSink;
  }

  bool call(const Call& tree, Kind kind, Plan& plan) {
    if (tree.name.empty()) {
      return false;  // the parser has reported it
    }
    const ComponentSpec* spec = context_.catalog.find(kind, tree.name);
    if (spec == nullptr) {
      unknown(tree, kind);
      return false;
    }
    bool good = true;
    if (spec->needs_logical_node && !context_.options.logical_node_known) {
      context_.diagnostics.error("L029", tree.name_span, str_cat(spec->name, " works in a logical node only"));
      good = false;
    }
    plan.name = spec->name;
    auto args = check_arguments(context_, *spec, tree.args, tree.name_span);
    if (!args) {
      return false;
    }
    plan.args = std::move(*args);
    return fill_in(tree, *spec, plan) && good;
  }

  // The sinks of a template (ArgType::kSinkTemplate): one child for each value. Only the first that is wrong is
  // reported.
  bool fill_in(const Call& tree, const ComponentSpec& spec, Plan& plan) {
    const auto the = [&spec](auto&& test) { return std::find_if(spec.args.begin(), spec.args.end(), test); };
    const auto pattern = the([](const ArgSpec& arg) { return arg.type == ArgType::kSinkTemplate; });
    if (pattern == spec.args.end()) {
      return true;
    }
    if (!context_.options.allow_templates) {
      context_.diagnostics.error("L053", tree.name_span,
                                 str_cat(spec.name, " cannot stand in the text of another one"));
      return false;
    }
    const std::string where = str_cat("argument '", pattern->name, "' of ", spec.name, ": ");
    const auto values = the([](const ArgSpec& arg) { return arg.repeated; });
    size_t bytes = 0;
    for (const std::string& value : plan.args.texts(values->name)) {
      const SourceText inner(replace_all(plan.args.text(pattern->name), "%s", value), pattern->name);
      bytes += inner.text().size();
      if (bytes > kMaxTextBytes) {
        context_.diagnostics.error("L053", tree.name_span, where + "longer than 1 MiB when everything is filled in");
        return false;
      }
      std::string wrong;
      PlanPtr child = filled_in(inner, str_cat(plan.path, ".failover.", plan.children.size()), wrong);
      if (child == nullptr) {
        context_.diagnostics.error("L053", tree.name_span, where + wrong);
        return false;
      }
      plan.children.push_back(std::move(child));
    }
    return true;
  }

  // Null with the first error.
  PlanPtr filled_in(const SourceText& text, std::string path, std::string& wrong) const {
    CheckOptions options = context_.options;
    options.allow_templates = false;
    Parsed<SinkTree> parsed = parse_sink(text);
    DiagnosticSink found(text);
    PlanPtr plan = TreeCheck({context_.catalog, options, found}).sink(parsed.tree, std::move(path));
    std::vector<Diagnostic> all = std::move(parsed.diagnostics);
    append(all, found.take());
    const auto first =
        std::find_if(all.begin(), all.end(), [](const Diagnostic& d) { return d.severity == Severity::kError; });
    if (first != all.end()) {
      constexpr size_t kShown = 200;
      wrong = str_cat("in the sink ", quoted(text.text().substr(0, kShown)), ", at ", first->begin.line, ":",
                      first->begin.column, ": ", first->message);
      return nullptr;
    }
    return plan;
  }

  void unknown(const Call& tree, Kind kind) {
    std::string message = str_cat("no ", kind_name(kind), " '", tree.name, "'");
    if (context_.options.allow_unknown_components) {
      context_.diagnostics.warning("W003", tree.name_span, message + "; only a node that knows it can run this");
      return;
    }
    const std::string others = other_kinds(context_.catalog, kind, tree.name);
    Diagnostic& found = context_.diagnostics.error("L021", tree.name_span, message + others);
    if (others.empty()) {
      suggest(found, context_.catalog.nearest(kind, tree.name));
    }
  }

  const CheckContext context_;
};

void sort_by_place(std::vector<Diagnostic>& diagnostics) {
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return a.span.begin < b.span.begin; });
}

// A node that did not parse has lost arguments: that some are missing is no news.
void drop_consequences(const Parsed<Deployment>& parsed, Checked& checked) {
  const auto broken = [&parsed](const Diagnostic& found) {
    return std::any_of(parsed.tree.nodes.begin(), parsed.tree.nodes.end(), [&](const NodeTree& node) {
      const auto within = [&node](const Diagnostic& d) {
        return d.span.begin >= node.span.begin && d.span.begin <= node.span.end;
      };
      return within(found) && std::any_of(parsed.diagnostics.begin(), parsed.diagnostics.end(), within);
    });
  };
  if (!parsed.ok()) {
    std::erase_if(checked.diagnostics, [&](const Diagnostic& d) { return d.code == "L023" && broken(d); });
  }
}

}  // namespace

PlanPtr check_source(const Call& tree, const SourceText& text, const Catalog& catalog, const CheckOptions& options,
                     std::vector<Diagnostic>& diagnostics) {
  DiagnosticSink found(text);
  PlanPtr plan = TreeCheck({catalog, options, found}).source(tree, "source");
  append(diagnostics, found.take());
  return plan;
}

PlanPtr check_sink(const SinkTree& tree, const SourceText& text, const Catalog& catalog, const CheckOptions& options,
                   std::vector<Diagnostic>& diagnostics) {
  DiagnosticSink found(text);
  PlanPtr plan = TreeCheck({catalog, options, found}).sink(tree, "sink");
  append(diagnostics, found.take());
  return plan;
}

Checked check_deployment(const Deployment& tree, const SourceText& text, const Catalog& catalog,
                         const CheckOptions& options) {
  Checked checked;
  DiagnosticSink found(text);
  TreeCheck check({catalog, options, found});
  std::map<std::string_view, size_t> last;
  for (size_t i = 0; i < tree.nodes.size(); ++i) {
    if (!tree.nodes[i].name.empty()) {
      last[tree.nodes[i].name] = i;
    }
  }
  for (size_t i = 0; i < tree.nodes.size(); ++i) {
    const NodeTree& node = tree.nodes[i];
    NodePlan plan{node.name, check.source(node.source, "source"), check.sink(node.sink, "sink")};
    if (const auto latest = last.find(node.name); latest != last.end() && latest->second != i) {
      const Place place = text.place(tree.nodes[latest->second].name_span.begin);
      found.warning(
          "W001", node.name_span,
          str_cat("'", node.name, "' is described again at ", place.line, ":", place.column, "; that one counts"));
      continue;
    }
    if (plan.source != nullptr && plan.sink != nullptr && !plan.name.empty()) {
      checked.nodes.push_back(std::move(plan));
    }
  }
  checked.diagnostics = found.take();
  return checked;
}

Checked check_text(const SourceText& text, const Catalog& catalog, const CheckOptions& options) {
  Parsed<Deployment> parsed = parse_deployment(text);
  Checked checked = check_deployment(parsed.tree, text, catalog, options);
  drop_consequences(parsed, checked);
  append(parsed.diagnostics, std::move(checked.diagnostics));
  checked.diagnostics = std::move(parsed.diagnostics);
  sort_by_place(checked.diagnostics);
  return checked;
}

CheckedNode check_node(std::string_view name, std::string_view source, std::string_view sink, const Catalog& catalog,
                       const CheckOptions& options) {
  CheckedNode checked;
  checked.plan.name = name;
  const SourceText source_text{std::string(source), "source"};
  const SourceText sink_text{std::string(sink), "sink"};
  Parsed<Call> parsed_source = parse_source(source_text);
  Parsed<SinkTree> parsed_sink = parse_sink(sink_text);
  std::vector<Diagnostic> of_source = std::move(parsed_source.diagnostics);
  std::vector<Diagnostic> of_sink = std::move(parsed_sink.diagnostics);
  checked.plan.source = check_source(parsed_source.tree, source_text, catalog, options, of_source);
  checked.plan.sink = check_sink(parsed_sink.tree, sink_text, catalog, options, of_sink);
  sort_by_place(of_source);
  sort_by_place(of_sink);
  if (has_errors(of_source)) {
    checked.plan.source = nullptr;
  }
  if (has_errors(of_sink)) {
    checked.plan.sink = nullptr;
  }
  checked.source = std::move(parsed_source.tree);
  checked.sink = std::move(parsed_sink.tree);
  checked.diagnostics = std::move(of_source);
  append(checked.diagnostics, std::move(of_sink));
  return checked;
}

std::vector<std::string> check_catalog(const Catalog& catalog, const CheckOptions& options) {
  std::vector<std::string> wrong;
  for (const ComponentSpec& spec : catalog.all()) {
    const std::string name = str_cat(kind_name(spec.kind), " ", spec.name, ": ");
    for (const ArgSpec& arg : spec.args) {
      if (arg.default_text.empty()) {
        continue;
      }
      ComponentSpec only{.kind = spec.kind, .name = spec.name};
      only.args = {arg};
      only.args[0].setting.clear();
      const SourceText text("");
      DiagnosticSink found(text);
      (void)check_arguments({catalog, options, found}, only, {}, {});  // only what it reports counts
      for (const Diagnostic& diagnostic : found.take()) {
        wrong.push_back(str_cat(name, "default of '", arg.name, "': ", diagnostic.message));
      }
    }
    for (const auto& [example, meaning] : spec.examples) {
      const SourceText text(example, "example");
      std::vector<Diagnostic> found;
      if (spec.kind == Kind::kSource) {
        Parsed<Call> parsed = parse_source(text);
        found = std::move(parsed.diagnostics);
        check_source(parsed.tree, text, catalog, options, found);
      } else if (spec.kind == Kind::kFormat) {
        found = parse_argument(text).diagnostics;
      } else {
        Parsed<SinkTree> parsed = parse_sink(text);
        found = std::move(parsed.diagnostics);
        check_sink(parsed.tree, text, catalog, options, found);
      }
      if (has_errors(found)) {
        wrong.push_back(str_cat(name, "example: ", to_text(found)));
      }
    }
  }
  return wrong;
}

}  // namespace flume::lang
