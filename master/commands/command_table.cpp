#include <algorithm>
#include <utility>

#include "common/base/text.h"
#include "common/json/json.h"
#include "master/commands/command.h"
#include "master/commands/command_runs.h"

namespace flume::master {

namespace {

CommandArg logical_arg(std::string doc) { return {"node", "logical", std::move(doc)}; }
CommandArg physical_arg() { return {"physical", "physical", "Physical node; it need not have reported yet."}; }
CommandArg source_arg() { return {"source", "source", "Where its events come from, in the dataflow language."}; }
CommandArg sink_arg() { return {"sink", "sink", "Where its events go, in the dataflow language."}; }
CommandArg file_arg() {
  return {"file", "path", "File on the master's machine; flume.master.savefile when absent.", false};
}

// What logical nodes are to do.
std::vector<CommandSpec> configuration_commands() {
  const CommandArg node = logical_arg("Logical node; it need not exist yet.");
  const CommandArg known = logical_arg("Logical node.");
  const CommandArg flow = {"flow", "flow", "Flow that the node belongs to."};
  return {
      {"config",
       "Sets the source and sink of a logical node.",
       true,
       {{node, source_arg(), sink_arg()}, {node, flow, source_arg(), sink_arg()}},
       {{{"agent", "console", "null"}, "Reads the terminal and drops everything; in the default flow."},
        {{"agent", "web", "tail(\"/var/log/app.log\")", "agentBESink(\"c1\", 35853)"}, "A node of the flow web."}},
       run_config},
      {"load",
       "Sets all configurations of a file written by `save`, all or none.",
       true,
       {{file_arg()}},
       {{{"current.flume"}, "Flows are those noted in the file."}},
       run_load},
      {"multiconfig",
       "Sets the configurations of many logical nodes, all or none, in the default flow.",
       true,
       {{{"spec", "spec", "\"node : source | sink ; ...\""}}},
       {{{"a : console | null ; b : null | console ;"}, "Two nodes at once."}},
       run_multiconfig},
      {"refresh",
       "Lets a logical node open its unchanged configuration anew.",
       true,
       {{known}},
       {{{"agent"}, "Closes and opens its source and sink."}},
       run_refresh},
      {"refreshAll",
       "Lets all logical nodes open their configurations anew.",
       true,
       {{}},
       {{{}, "Every flow pauses for a moment."}},
       run_refresh_all},
      {"save",
       "Writes all configurations to a file that `load` reads.",
       false,
       {{file_arg()}},
       {{{"current.flume"}, "The previous version stays as current.flume~."}},
       run_save},
      {"unconfig",
       "Sets a logical node's source and sink to null.",
       true,
       {{known}},
       {{{"agent"}, "It stays mapped and does nothing."}},
       run_unconfig},
      {"updateAll",
       "Translates all configurations anew. They always are; kept for old scripts.",
       false,
       {{}},
       {{{}, "Nothing changes."}},
       run_update_all},
      {"noop",
       "Does nothing, for a while.",
       false,
       {{}, {{"ms", "integer", "How long, in milliseconds."}}},
       {{{"1000"}, "Keeps the commands behind it waiting for one second."}},
       run_noop},
  };
}

// Where logical nodes run, and which nodes are known.
std::vector<CommandSpec> placement_commands() {
  const CommandArg node = logical_arg("Logical node; it need not exist yet.");
  const CommandArg known = logical_arg("Logical node.");
  return {
      {"adopt",
       "Lets a physical node that obeyed another store obey this master.",
       true,
       {{physical_arg()}},
       {{{"web1"}, "After the master's store was made anew: web1 takes its configurations from here again."}},
       run_adopt},
      {"decommission",
       "Removes a logical node: its configuration and its mapping.",
       true,
       {{known}},
       {{{"agent-audit"}, "The node that runs it stops it."}},
       run_decommission},
      {"map",
       "Lets a physical node carry a logical node.",
       true,
       {{physical_arg(), node}},
       {{{"web1", "agent-audit"}, "web1 carries agent-audit beside its own."}},
       run_map},
      {"purge",
       "Forgets what a lost node last reported.",
       true,
       {{{"node", "physical", "Physical or logical node."}}},
       {{{"web1"}, "A node that lives appears again with its next report."}},
       run_purge},
      {"purgeAll",
       "Forgets what all nodes last reported.",
       true,
       {{}},
       {{{}, "Nodes that live appear again with their next report."}},
       run_purge_all},
      {"spawn",
       "Another word for `map`.",
       true,
       {{physical_arg(), node}},
       {{{"web1", "agent-audit"}, "web1 carries agent-audit beside its own."}},
       run_map},
      {"unmap",
       "Takes a logical node from the physical node that carries it; its configuration stays.",
       true,
       {{physical_arg(), known}},
       {{{"web1", "agent-audit"}, "web1 stops it."}},
       run_unmap},
      {"unmapAll",
       "Takes all logical nodes from where they were mapped to, but for those that bear their "
       "physical node's name.",
       true,
       {{}},
       {{{}, "Configurations stay."}},
       run_unmap_all},
  };
}

std::vector<CommandSpec> make_table() {
  std::vector<CommandSpec> table = configuration_commands();
  for (CommandSpec& spec : placement_commands()) {
    table.push_back(std::move(spec));
  }
  std::sort(table.begin(), table.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return table;
}

bool takes(const std::vector<CommandArg>& form, size_t arguments) {
  size_t required = 0;
  for (const CommandArg& arg : form) {
    required += arg.required ? 1 : 0;
  }
  const bool repeats = !form.empty() && form.back().repeated;
  return arguments >= required && (arguments <= form.size() || repeats);
}

std::string upper(std::string text) {
  for (char& c : text) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return text;
}

}  // namespace

std::string CommandSpec::usage() const {
  std::string out;
  for (const auto& form : forms) {
    str_append(out, out.empty() ? "" : " | ", name);
    for (const CommandArg& arg : form) {
      const std::string word = str_cat(upper(arg.name), arg.repeated ? "..." : "");
      str_append(out, ' ', arg.required ? word : str_cat('[', word, ']'));
    }
  }
  return out;
}

std::span<const CommandSpec> command_table() {
  static const std::vector<CommandSpec> table = make_table();
  return table;
}

const CommandSpec* find_command(std::string_view name) {
  for (const CommandSpec& spec : command_table()) {
    if (spec.name == name) {
      return &spec;
    }
  }
  return nullptr;
}

Status check_command(std::string_view name, size_t arguments) {
  const CommandSpec* const spec = find_command(name);
  if (spec == nullptr) {
    std::vector<std::string> names;
    for (const CommandSpec& known : command_table()) {
      names.push_back(known.name);
    }
    const auto nearest = nearest_name(name, names);
    return invalid(
        str_cat("unknown command '", name, "'", nearest ? str_cat("; did you mean '", *nearest, "'?") : std::string()));
  }
  for (const auto& form : spec->forms) {
    if (takes(form, arguments)) {
      return {};
    }
  }
  return invalid(str_cat("command '", name, "' does not take ", arguments, arguments == 1 ? " argument" : " arguments",
                         "; usage: ", spec->usage()));
}

std::string command_schema_json() {
  JsonWriter json;
  json.begin_object().key("commands").begin_array();
  for (const CommandSpec& spec : command_table()) {
    json.begin_object().member("name", spec.name).member("summary", spec.summary).member("changes", spec.changes);
    json.key("forms").begin_array();
    for (const auto& form : spec.forms) {
      json.begin_array();
      for (const CommandArg& arg : form) {
        json.begin_object().member("name", arg.name).member("type", arg.type).member("doc", arg.doc);
        json.member("required", arg.required).member("repeated", arg.repeated).end_object();
      }
      json.end_array();
    }
    json.end_array().key("examples").begin_array();
    for (const CommandExample& example : spec.examples) {
      json.begin_object().key("args").begin_array();
      for (const std::string& arg : example.args) {
        json.value(arg);
      }
      json.end_array().member("doc", example.doc).end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return json.take();
}

}  // namespace flume::master
