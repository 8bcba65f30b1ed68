// Text to tree. Never stops at the first error: after one it goes on at the next `;` `|` `,` `]` `}` `>` and reports
// all of them (kMaxDiagnostics). The whole text must be consumed. Limits: kMaxTextBytes, kMaxDepth. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataflow-lang/ast.h"
#include "dataflow-lang/diagnostic.h"
#include "dataflow-lang/source_text.h"

namespace flume::lang {

template <class Tree>
struct Parsed {
  Tree tree;  // with errors: what could be understood, with empty names where something is missing
  std::vector<Diagnostic> diagnostics;
  bool ok() const { return !has_errors(diagnostics); }
};

Parsed<Deployment> parse_deployment(const SourceText& text);
Parsed<Call> parse_source(const SourceText& text);
Parsed<SinkTree> parse_sink(const SourceText& text);
Parsed<Argument> parse_argument(const SourceText& text);  // one literal or function, without a keyword
Parsed<std::string> parse_node_name(const SourceText& text);

// Whether the text could stand as a node's name.
bool is_node_name(std::string_view text);

}  // namespace flume::lang
