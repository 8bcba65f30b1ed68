#include <filesystem>

#include "common/base/text.h"
#include "master/commands/command_runs.h"
#include "master/commands/save_file.h"
#include "master/store/store_files.h"

namespace flume::master {

namespace {

std::string file_of(const CommandInput& input) { return input.args.empty() ? input.save_file : input.args[0]; }

}  // namespace

CommandOutcome run_save(const CommandInput& input) {
  const std::string path = file_of(input);
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    // A copy, so that at no time the file is missing.
    std::filesystem::copy_file(path, path + "~", std::filesystem::copy_options::overwrite_existing, error);
    if (error) {
      return refused(
          Status::from_errno(error.value(), str_cat("save: copy ", quoted(path), " to ", quoted(path + "~"))));
    }
  }
  return refused(replace_file(path, write_save_file(input.view, input.default_flow)).with_context("save"));
}

CommandOutcome run_load(const CommandInput& input) {
  const std::string path = file_of(input);
  auto text = read_whole_file(path);
  if (!text.ok()) {
    return refused(text.status().with_context("load"));
  }
  SpecReport report = input.checker.check_text(*text);
  CommandOutcome out;
  if (!report.ok()) {
    out.status = invalid(str_cat("load ", quoted(path), ": nothing stored: ", report.first_errors()));
    out.findings = std::move(report.findings);
    out.is_spec_error = true;
    return out;
  }
  const std::map<uint32_t, std::string> flows = flows_by_line(*text, input.default_flow);
  std::map<std::string, NodeConfig> configs;  // of two definitions of a node the last counts
  for (const SpecNode& node : report.nodes) {
    if (Status good = check_node_name(node.name); !good.ok()) {
      return refused(good.with_context("load"));
    }
    NodeConfig config;
    const auto flow = flows.find(node.line);
    config.flow = flow == flows.end() ? input.default_flow : flow->second;
    config.source = node.source;
    config.sink = node.sink;
    config.who = input.who;
    config.when_millis = input.clock.wall_millis();
    config.why = "load";
    configs.insert_or_assign(node.name, std::move(config));
  }
  for (auto& [node, config] : configs) {
    set_config(input.view, node, std::move(config), out.changes);
  }
  out.findings = std::move(report.findings);
  return out;
}

}  // namespace flume::master
