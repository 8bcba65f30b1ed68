#include "master/commands/save_file.h"

#include "common/base/text.h"
#include "dataflow-lang/parser.h"
#include "dataflow-lang/printer.h"

namespace flume::master {

namespace {
constexpr std::string_view kFlowMark = "// flow: ";

// Canonical: what was typed may end in a comment, which would swallow the rest of its line.
std::string canonical(const NodeConfig& config) {
  const auto source = lang::parse_source(lang::SourceText(config.source, "source"));
  const auto sink = lang::parse_sink(lang::SourceText(config.sink, "sink"));
  return str_cat(source.ok() ? lang::print(source.tree) : config.source, " | ",
                 sink.ok() ? lang::print(sink.tree) : config.sink);
}

}  // namespace

std::string write_save_file(const View& view, std::string_view default_flow) {
  // Nodes of the default flow first: a file without other flows is exactly a classic one.
  std::map<std::pair<bool, std::string>, std::string> flows;
  for (const auto& [node, config] : view.configs) {
    std::string& text = flows[{config.value.flow != default_flow, config.value.flow}];
    str_append(text, node, " : ", canonical(config.value), ";\n");
  }
  std::string out;
  for (const auto& [flow, text] : flows) {
    if (flow.first) {
      str_append(out, kFlowMark, flow.second, "\n");
    }
    out.append(text);
  }
  return out;
}

std::map<uint32_t, std::string> flows_by_line(std::string_view text, std::string_view default_flow) {
  std::map<uint32_t, std::string> flows;
  uint32_t number = 0;
  std::string flow(default_flow);
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    if (line.starts_with(kFlowMark)) {
      flow = trim(line.substr(kFlowMark.size()));
    }
    flows[number] = flow;
  }
  return flows;
}

}  // namespace flume::master
