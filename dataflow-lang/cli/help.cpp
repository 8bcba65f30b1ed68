// flume help: commands and components, from their own descriptions.
#include <algorithm>
#include <cstdio>
#include <limits>
#include <utility>

#include "common/base/text.h"
#include "common/cli/options.h"
#include "common/config/settings.h"
#include "dataflow-lang/cli/commands.h"

namespace flume::lang {
namespace {

using Kind = ComponentSpec::Kind;
constexpr char kSettingsTopic[] = "settings";
constexpr Kind kKinds[] = {Kind::kSource, Kind::kSink, Kind::kDecorator, Kind::kFormat};

std::string_view heading(Kind kind) {
  switch (kind) {
    case Kind::kSource: return "Sources";
    case Kind::kSink: return "Sinks";
    case Kind::kDecorator: return "Decorators";
    case Kind::kFormat: return "Output formats";
  }
  return "";
}

// "duration in ms, 0 or more, default 1000"
std::string argument_facts(const ArgSpec& arg) {
  std::string out(arg_type_name(arg.type));
  if (!arg.unit.empty()) {
    str_append(out, " in ", arg.unit);
  }
  if (!arg.one_of.empty()) {
    str_append(out, ", one of ", join(arg.one_of, ", "));
  }
  constexpr int64_t kNoMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kNoMax = std::numeric_limits<int64_t>::max();
  if (arg.min != kNoMin && arg.max != kNoMax) {
    str_append(out, ", ", arg.min, " to ", arg.max);
  } else if (arg.min != kNoMin) {
    str_append(out, ", ", arg.min, " or more");
  } else if (arg.max != kNoMax) {
    str_append(out, ", at most ", arg.max);
  }
  if (arg.required) {
    out += ", required";
  }
  if (arg.repeated) {
    out += ", may be repeated";
  }
  if (arg.keyword_only) {
    str_append(out, ", only as ", arg.name, "=...");
  }
  if (!arg.setting.empty()) {
    str_append(out, ", default: the setting ", arg.setting,
               arg.default_text.empty() ? "" : str_cat(" (", arg.default_text, ")"));
  } else if (!arg.default_text.empty()) {
    str_append(out, ", default ", arg.default_text);
  }
  return out;
}

size_t widest(const std::vector<std::pair<std::string, std::string>>& rows) {
  size_t width = 0;
  for (const auto& [left, right] : rows) {
    width = std::max(width, left.size());
  }
  return width;
}

void append_rows(std::string& out, const std::vector<std::pair<std::string, std::string>>& rows) {
  const size_t width = widest(rows);
  for (const auto& [left, right] : rows) {
    str_append(out, "  ", left, std::string(width - left.size() + 2, ' '), right, "\n");
  }
}

std::string overview(const Catalog& catalog, const std::vector<Command>& commands) {
  std::string out = "Usage: flume [-D name=value]... COMMAND [ARGUMENTS]\n\nCommands:\n";
  std::vector<std::pair<std::string, std::string>> rows;
  rows.reserve(commands.size());
  for (const Command& command : commands) {
    rows.emplace_back(command.name, command.summary);
  }
  append_rows(out, rows);
  for (const Kind kind : kKinds) {
    rows.clear();
    for (const ComponentSpec& spec : catalog.all()) {
      if (spec.kind == kind) {
        rows.emplace_back(spec.name, spec.summary);
      }
    }
    if (!rows.empty()) {
      str_append(out, "\n", heading(kind), ":\n");
      append_rows(out, rows);
    }
  }
  out += "\nflume help NAME says more about each of them, flume help settings lists the settings.\n";
  return out;
}

std::string_view setting_type_name(SettingType type) {
  switch (type) {
    case SettingType::kText: return "text";
    case SettingType::kInteger: return "integer";
    case SettingType::kBool: return "bool";
    case SettingType::kMillis: return "ms";
    case SettingType::kBytes: return "bytes";
    case SettingType::kPort: return "port";
  }
  return "";
}

std::string settings_help() {
  std::string out =
      "Settings, from flume-site.xml and flume-conf.xml in the folder that FLUME_CONF_DIR names (else "
      "/etc/flume/conf);\n"
      "-D name=value on the command line wins.\n";
  for (const SettingSpec& spec : setting_specs()) {
    str_append(out, "\n", spec.name, " (", setting_type_name(spec.type),
               spec.one_of.empty() ? "" : str_cat(", one of ", spec.one_of), ") = ", quoted(spec.default_text),
               "\n    ", spec.doc, "\n");
  }
  return out;
}

// A command or a component of any kind; several when a name stands for more than one. Empty: unknown.
std::string help_on(const std::string& name, const Catalog& catalog, const std::vector<Command>& commands) {
  std::string out = name == kSettingsTopic ? settings_help() : "";
  for (const Command& command : commands) {
    if (command.name == name) {
      str_append(out, command.usage, command.usage.ends_with('\n') ? "" : "\n");
    }
  }
  for (const Kind kind : kKinds) {
    if (const ComponentSpec* spec = catalog.find(kind, name)) {
      str_append(out, out.empty() ? "" : "\n", component_help(*spec));
    }
  }
  return out;
}

int unknown_name(const std::string& name, const Catalog& catalog, const std::vector<Command>& commands) {
  std::vector<std::string> known = {kSettingsTopic};
  for (const Command& command : commands) {
    known.push_back(command.name);
  }
  for (const Kind kind : kKinds) {
    const auto names = catalog.names(kind);
    known.insert(known.end(), names.begin(), names.end());
  }
  const auto nearest = nearest_name(name, known);
  std::fputs(str_cat("help: no command or component ", quoted(name),
                     nearest ? str_cat("; did you mean ", *nearest, "?") : std::string(), "\n")
                 .c_str(),
             stderr);
  return kExitUsage;
}

struct HelpOptions {
  std::vector<std::string> name;  // more than one word: a command and what that one calls its own
  bool json = false;
  bool markdown = false;
};

void make_help_app(CLI::App& app, HelpOptions& options) {
  app.add_option("name", options.name, "a command (`wal ls` too), a component, or settings")->type_name("NAME");
  app.add_flag("--json", options.json, "print the whole catalogue of components as JSON");
  app.add_flag("--markdown", options.markdown, "print the reference of all components (docs/reference.md)");
}

int run_help(const Catalog& catalog, const std::vector<Command>& commands, std::span<const std::string> args) {
  CLI::App app("Shows what commands and components there are, or one of them.", "help");
  HelpOptions options;
  make_help_app(app, options);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  if (options.json || options.markdown) {
    std::fputs((options.json ? catalog.to_json() + "\n" : reference_markdown(catalog)).c_str(), stdout);
    return kExitOk;
  }
  if (options.name.empty()) {
    std::fputs(overview(catalog, commands).c_str(), stdout);
    return kExitOk;
  }
  const std::string& name = options.name[0];
  if (options.name.size() > 1) {
    for (const Command& command : commands) {
      if (command.name == name) {
        std::vector<std::string> rest(options.name.begin() + 1, options.name.end());
        rest.emplace_back("--help");
        return command.run(rest);
      }
    }
    return unknown_name(join(options.name, " "), catalog, commands);
  }
  const std::string text = help_on(name, catalog, commands);
  if (text.empty()) {
    return unknown_name(name, catalog, commands);
  }
  std::fputs(text.c_str(), stdout);
  return kExitOk;
}

void append_markdown(std::string& out, const ComponentSpec& spec) {
  str_append(out, "\n### ", spec.name, "\n\n`", signature(spec), "`\n\n", spec.summary, "\n");
  if (!spec.doc.empty()) {
    str_append(out, "\n", spec.doc, "\n");
  }
  if (!spec.aliases.empty()) {
    str_append(out, "\nAlso called ", join(spec.aliases, ", "), ".\n");
  }
  if (!spec.args.empty()) {
    out += "\n| argument | meaning | value |\n|---|---|---|\n";
    for (const ArgSpec& arg : spec.args) {
      std::string row = str_cat("| `", arg.name, "` | ", arg.doc, " | ", argument_facts(arg), " |");
      for (size_t at = 0; (at = row.find('\n', at)) != std::string::npos; ++at) {
        row[at] = ' ';
      }
      str_append(out, row, "\n");
    }
  }
  for (const auto& [example, meaning] : spec.examples) {
    str_append(out, "\n```\n", example, "\n```\n", meaning, "\n");
  }
}

}  // namespace

std::string component_help(const ComponentSpec& spec) {
  std::string out = str_cat(kind_name(spec.kind), " ", signature(spec), "\n\n", spec.summary, "\n");
  if (!spec.doc.empty()) {
    str_append(out, spec.doc, "\n");
  }
  if (!spec.aliases.empty()) {
    str_append(out, "Also called ", join(spec.aliases, ", "), ".\n");
  }
  if (!spec.args.empty()) {
    out += "\nArguments:\n";
    std::vector<std::pair<std::string, std::string>> rows;
    for (const ArgSpec& arg : spec.args) {
      rows.emplace_back(arg.name, str_cat(arg.doc, " (", argument_facts(arg), ")"));
    }
    append_rows(out, rows);
  }
  if (!spec.examples.empty()) {
    out += "\nExamples:\n";
    append_rows(out, spec.examples);
  }
  return out;
}

std::string reference_markdown(const Catalog& catalog) {
  std::string out =
      "# Reference\n\nEvery source, sink, decorator and output format. Made by `flume help --markdown`; do not edit.\n";
  for (const Kind kind : kKinds) {
    bool first = true;
    for (const ComponentSpec& spec : catalog.all()) {
      if (spec.kind != kind) {
        continue;
      }
      if (std::exchange(first, false)) {
        str_append(out, "\n## ", heading(kind), "\n");
      }
      append_markdown(out, spec);
    }
  }
  return out;
}

Command help_command(const Catalog& catalog, const std::vector<Command>& commands) {
  CLI::App app("Shows what commands and components there are, or one of them.", "help");
  HelpOptions options;
  make_help_app(app, options);
  return {"help", "show commands and components", usage_of(app),
          [&catalog, &commands](std::span<const std::string> args) { return run_help(catalog, commands, args); }};
}

}  // namespace flume::lang
