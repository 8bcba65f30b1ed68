// Tree and catalog to plan: names, number of arguments, types, units, ranges, keywords, regular expressions, escapes,
// output formats and sinks within texts. What it lets through, the builder builds. Pure functions; thread-safe as far
// as CheckOptions::setting is.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataflow-lang/ast.h"
#include "dataflow-lang/catalog.h"
#include "dataflow-lang/diagnostic.h"
#include "dataflow-lang/plan.h"
#include "dataflow-lang/source_text.h"

namespace flume::lang {

struct CheckOptions {
  // False: the text belongs to no logical node (flume sink, flume dump); components that need one are refused.
  bool logical_node_known = true;
  // True: unknown names are warnings, and such a node has no plan. For a master that does not know its nodes' catalog.
  bool allow_unknown_components = false;
  // False within a sink that a template made (ArgType::kSinkTemplate): a template there is refused, so that a short
  // text cannot stand for an endless one.
  bool allow_templates = true;
  // The value of a process setting that is the default of an argument (ArgSpec::setting); unset or nothing returned:
  // ArgSpec::default_text counts.
  std::function<std::optional<std::string>(std::string_view setting)> setting;
};

struct Checked {
  std::vector<NodePlan> nodes;  // only those without errors
  std::vector<Diagnostic> diagnostics;
  bool ok() const { return !has_errors(diagnostics); }
};

// `text` is what the tree was parsed from. Two nodes of one name: the last counts, with a warning.
Checked check_deployment(const Deployment& tree, const SourceText& text, const Catalog& catalog,
                         const CheckOptions& options = {});
// Null with errors. `path` is the place of the top of the plan.
PlanPtr check_source(const Call& tree, const SourceText& text, const Catalog& catalog, const CheckOptions& options,
                     std::vector<Diagnostic>& diagnostics);
PlanPtr check_sink(const SinkTree& tree, const SourceText& text, const Catalog& catalog, const CheckOptions& options,
                   std::vector<Diagnostic>& diagnostics);

// Parses and checks; what could be parsed is checked even where something else could not.
Checked check_text(const SourceText& text, const Catalog& catalog, const CheckOptions& options = {});

// The two halves of one logical node, as the master's `config` command and the node's driver have them. The
// diagnostics' fields are "source" and "sink".
struct CheckedNode {
  NodePlan plan;  // source and sink are null with errors
  Call source;    // as parsed
  SinkTree sink;  // as parsed
  std::vector<Diagnostic> diagnostics;
  bool ok() const { return !has_errors(diagnostics); }
};
CheckedNode check_node(std::string_view name, std::string_view source, std::string_view sink, const Catalog& catalog,
                       const CheckOptions& options = {});

// What is wrong with the descriptions themselves: defaults that are no values of their type, examples that do not
// check. Empty = nothing. For tests.
std::vector<std::string> check_catalog(const Catalog& catalog, const CheckOptions& options = {});

}  // namespace flume::lang
