#include "common/base/text.h"
#include "master/commands/command_runs.h"

namespace flume::master {

namespace {

// Takes a logical node from its physical node, which has to confirm that it stopped it.
void take_away(const View& view, const std::string& logical, CommandOutcome& out) {
  const auto place = view.places.find(logical);
  const std::string physical = view.physical_of(logical);
  if (place != view.places.end()) {
    out.changes.push_back({place_key(logical), std::nullopt, place->second.modified});
  }
  if (!physical.empty()) {
    out.changes.push_back({removed_key(physical, logical), std::string("{\"v\":1}")});
  }
}

// Where a lost node was, and what it has not confirmed to have stopped.
void forget_host(const View& view, const std::string& physical, Revision modified, CommandOutcome& out) {
  out.changes.push_back({host_key(physical), std::nullopt, modified});
  for (auto it = view.removed.lower_bound({physical, ""}); it != view.removed.end() && it->first == physical; ++it) {
    out.changes.push_back({removed_key(it->first, it->second), std::nullopt});
  }
}

}  // namespace

CommandOutcome run_map(const CommandInput& input) {
  const std::string& physical = input.args[0];
  const std::string& logical = input.args[1];
  for (const std::string* name : {&physical, &logical}) {
    if (Status good = check_node_name(*name); !good.ok()) {
      return refused(std::move(good));
    }
  }
  if (const std::string now = input.view.physical_of(logical); !now.empty()) {
    return refused(Status(Code::kExists, str_cat("Unable to map logical node '", logical, "' to physical node '",
                                                 physical, "': it is mapped to '", now, "'")));
  }
  CommandOutcome out;
  Change place{place_key(logical), encode_place(physical)};
  place.if_absent = true;
  out.changes.push_back(std::move(place));
  if (input.view.removed.contains({physical, logical})) {
    out.changes.push_back({removed_key(physical, logical), std::nullopt});
  }
  return out;
}

CommandOutcome run_unmap(const CommandInput& input) {
  const std::string& physical = input.args[0];
  const std::string& logical = input.args[1];
  const std::string clause =
      str_cat("Unable to unmap logical node '", logical, "' from physical node '", physical, "': ");
  const std::string now = input.view.physical_of(logical);
  if (physical == logical && now == physical) {
    return refused(invalid(clause + "a physical node keeps the logical node of its own name"));
  }
  if (now != physical) {
    return refused(Status(Code::kNotFound, str_cat(clause, now.empty() ? "it is mapped nowhere"
                                                                       : str_cat("it is mapped to '", now, "'"))));
  }
  CommandOutcome out;
  take_away(input.view, logical, out);
  return out;
}

CommandOutcome run_unmap_all(const CommandInput& input) {
  CommandOutcome out;
  for (const auto& [logical, place] : input.view.places) {
    if (place.value != logical) {
      take_away(input.view, logical, out);
    }
  }
  return out;
}

CommandOutcome run_decommission(const CommandInput& input) {
  const std::string& logical = input.args[0];
  const auto config = input.view.configs.find(logical);
  if (config == input.view.configs.end() && !input.view.places.contains(logical)) {
    return refused(Status(Code::kNotFound, str_cat("node '", logical, "' has neither a configuration nor a mapping")));
  }
  CommandOutcome out;
  if (config != input.view.configs.end()) {
    out.changes.push_back({config_key(logical), std::nullopt, config->second.modified});
  }
  take_away(input.view, logical, out);
  return out;
}

CommandOutcome run_adopt(const CommandInput& input) {
  const std::string& physical = input.args[0];
  if (Status good = check_node_name(physical); !good.ok()) {
    return refused(std::move(good));
  }
  CommandOutcome out;
  out.changes.push_back({adopt_key(physical), std::string("{\"v\":1}")});
  return out;
}

CommandOutcome run_purge(const CommandInput& input) {
  const std::string& name = input.args[0];
  CommandOutcome out;
  if (const auto host = input.view.hosts.find(name); host != input.view.hosts.end() && !host->second.value.is_live) {
    forget_host(input.view, name, host->second.modified, out);
  }
  out.forget.push_back(name);
  return out;
}

CommandOutcome run_purge_all(const CommandInput& input) {
  CommandOutcome out;
  for (const auto& [physical, host] : input.view.hosts) {
    if (!host.value.is_live) {
      forget_host(input.view, physical, host.modified, out);
    }
  }
  out.forget_all = true;
  return out;
}

}  // namespace flume::master
