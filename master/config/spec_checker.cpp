#include "master/config/spec_checker.h"

#include "common/base/text.h"
#include "dataflow-lang/checker.h"
#include "dataflow-lang/parser.h"
#include "dataflow-lang/printer.h"

namespace flume::master {

namespace {

std::vector<SpecFinding> to_findings(const std::vector<lang::Diagnostic>& diagnostics) {
  std::vector<SpecFinding> findings;
  findings.reserve(diagnostics.size());
  for (const lang::Diagnostic& diagnostic : diagnostics) {
    findings.push_back({diagnostic.severity == lang::Severity::kError, diagnostic.field, lang::to_line(diagnostic),
                        lang::to_json(diagnostic).to_json()});
  }
  return findings;
}

}  // namespace

bool SpecReport::ok() const {
  for (const SpecFinding& finding : findings) {
    if (finding.is_error) {
      return false;
    }
  }
  return true;
}

std::string SpecReport::first_errors() const {
  std::string out;
  for (const SpecFinding& finding : findings) {
    if (finding.is_error) {
      str_append(out, out.empty() ? "" : "\n", finding.message);
    }
  }
  return out;
}

SpecReport SpecChecker::check_node(std::string_view name, std::string_view source, std::string_view sink) const {
  const lang::CheckedNode checked = lang::check_node(name, source, sink, catalog_, options_);
  SpecReport report;
  report.findings = to_findings(checked.diagnostics);
  if (checked.ok()) {
    report.nodes.push_back({std::string(name), lang::print(checked.source), lang::print(checked.sink)});
  }
  return report;
}

SpecReport SpecChecker::check_text(std::string_view text) const {
  const lang::SourceText source{std::string(text)};
  const auto parsed = lang::parse_deployment(source);
  SpecReport report;
  if (!parsed.ok()) {
    // What could be parsed is checked all the same: all errors in one answer.
    report.findings = to_findings(lang::check_text(source, catalog_, options_).diagnostics);
    return report;
  }
  const lang::Checked checked = lang::check_deployment(parsed.tree, source, catalog_, options_);
  report.findings = to_findings(checked.diagnostics);
  if (checked.ok()) {
    for (const lang::NodeTree& node : parsed.tree.nodes) {
      report.nodes.push_back(
          {node.name, lang::print(node.source), lang::print(node.sink), source.place(node.name_span.begin).line});
    }
  }
  return report;
}

std::string findings_json(const std::vector<SpecFinding>& findings) {
  std::string out = "[";
  for (const SpecFinding& finding : findings) {
    str_append(out, out.size() == 1 ? "" : ",", finding.json);
  }
  return out + "]";
}

}  // namespace flume::master
