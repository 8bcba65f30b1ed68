#include <set>

#include "common/base/sync.h"
#include "common/base/text.h"
#include "master/commands/command_runs.h"

namespace flume::master {

namespace {

NodeConfig new_config(const CommandInput& input, std::string why) {
  NodeConfig config;
  config.flow = input.default_flow;
  config.who = input.who;
  config.when_millis = input.clock.wall_millis();
  config.why = std::move(why);
  return config;
}

CommandOutcome refused_spec(SpecReport report, std::string_view what) {
  CommandOutcome out = refused(invalid(str_cat(what, ": ", report.first_errors())));
  out.findings = std::move(report.findings);
  out.is_spec_error = true;
  return out;
}

Status check_if_revision(const CommandInput& input, const std::string& node) {
  if (!input.if_revision) {
    return {};
  }
  const auto now = input.view.configs.find(node);
  const Revision modified = now == input.view.configs.end() ? 0 : now->second.modified;
  return modified == *input.if_revision
             ? Status()
             : Status(Code::kConflict, str_cat("configuration of '", node, "': expected revision ", *input.if_revision,
                                               ", it has ", modified));
}

}  // namespace

CommandOutcome refused(Status status) {
  CommandOutcome out;
  out.status = std::move(status);
  return out;
}

void set_config(const View& view, const std::string& node, NodeConfig config, std::vector<Change>& changes) {
  Change change;
  change.key = config_key(node);
  const auto before = view.configs.find(node);
  if (before == view.configs.end()) {
    change.if_absent = std::find(view.broken.begin(), view.broken.end(), change.key) == view.broken.end();
    change.value = encode_config(config);
  } else {
    change.if_modified_at = before->second.modified;
    config.refresh = std::max(config.refresh, before->second.value.refresh);
    change.value = encode_config(config, before->second.text);
  }
  changes.push_back(std::move(change));
  if (const std::string physical = view.physical_of(node); view.removed.contains({physical, node})) {
    changes.push_back({removed_key(physical, node), std::nullopt});
  }
}

CommandOutcome run_config(const CommandInput& input) {
  const std::string& node = input.args[0];
  const bool has_flow = input.args.size() == 4;
  if (Status good = check_node_name(node); !good.ok()) {
    return refused(std::move(good));
  }
  if (Status same = check_if_revision(input, node); !same.ok()) {
    return refused(std::move(same));
  }
  NodeConfig config = new_config(input, "config");
  if (has_flow) {
    config.flow = input.args[1];
  }
  config.source = input.args[has_flow ? 2 : 1];
  config.sink = input.args[has_flow ? 3 : 2];
  SpecReport report = input.checker.check_node(node, config.source, config.sink);
  if (!report.ok()) {
    return refused_spec(std::move(report), str_cat("configuration of '", node, "' refused"));
  }
  CommandOutcome out;
  set_config(input.view, node, std::move(config), out.changes);
  out.findings = std::move(report.findings);
  return out;
}

CommandOutcome run_multiconfig(const CommandInput& input) {
  SpecReport report = input.checker.check_text(input.args[0]);
  if (!report.ok()) {
    return refused_spec(std::move(report), "specification refused, nothing stored");
  }
  CommandOutcome out;
  std::set<std::string> seen;
  for (const SpecNode& node : report.nodes) {
    if (Status good = check_node_name(node.name); !good.ok()) {
      return refused(std::move(good));
    }
    if (!seen.insert(node.name).second) {
      return refused(invalid(str_cat("specification refused, nothing stored: '", node.name, "' is given twice")));
    }
    NodeConfig config = new_config(input, "multiconfig");
    config.source = node.source;
    config.sink = node.sink;
    set_config(input.view, node.name, std::move(config), out.changes);
  }
  out.findings = std::move(report.findings);
  return out;
}

CommandOutcome run_unconfig(const CommandInput& input) {
  const std::string& node = input.args[0];
  if (!input.view.configs.contains(node)) {
    return refused(Status(Code::kNotFound, str_cat("node '", node, "' has no configuration")));
  }
  if (Status same = check_if_revision(input, node); !same.ok()) {
    return refused(std::move(same));
  }
  NodeConfig config = new_config(input, "unconfig");
  config.source = "null";
  config.sink = "null";
  CommandOutcome out;
  set_config(input.view, node, std::move(config), out.changes);
  return out;
}

CommandOutcome run_refresh(const CommandInput& input) {
  const auto found = input.view.configs.find(input.args[0]);
  if (found == input.view.configs.end()) {
    return refused(Status(Code::kNotFound, str_cat("node '", input.args[0], "' has no configuration")));
  }
  CommandOutcome out;
  NodeConfig config = found->second.value;
  ++config.refresh;
  set_config(input.view, found->first, std::move(config), out.changes);
  return out;
}

CommandOutcome run_refresh_all(const CommandInput& input) {
  CommandOutcome out;
  for (const auto& [node, kept] : input.view.configs) {
    NodeConfig config = kept.value;
    ++config.refresh;
    set_config(input.view, node, std::move(config), out.changes);
  }
  return out;
}

CommandOutcome run_update_all(const CommandInput& /*input*/) { return {}; }

CommandOutcome run_noop(const CommandInput& input) {
  if (input.args.empty()) {
    return {};
  }
  const auto millis = parse_number<int64_t>(input.args[0]);
  if (!millis || *millis < 0 || *millis > 3'600'000) {
    return refused(invalid(str_cat("noop: ", quoted(input.args[0]), " is not a number of milliseconds up to 3600000")));
  }
  const Wait wait = input.wait.at_most(Wait::for_duration(std::chrono::milliseconds(*millis)).until);
  Mutex mutex;
  CondVar never;
  const MutexLock lock(mutex);
  while (never.wait(mutex, wait)) {
  }
  return input.wait.stop.stop_requested() ? refused(stopped()) : CommandOutcome();
}

}  // namespace flume::master
