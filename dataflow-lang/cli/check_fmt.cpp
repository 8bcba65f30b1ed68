// flume check and flume fmt: a text from a file, from -c or from standard input.
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "common/base/text.h"
#include "common/cli/options.h"
#include "common/json/json.h"
#include "dataflow-lang/cli/commands.h"
#include "dataflow-lang/parser.h"
#include "dataflow-lang/printer.h"

namespace flume::lang {
namespace {

struct TextOptions {
  std::string file;
  std::string spec;
  bool has_spec = false;
};

void add_text_options(CLI::App& app, TextOptions& options) {
  app.add_option("file", options.file, "file to read; standard input when it is - or not given")->type_name("FILE");
  app.add_option("-c", options.spec, "the specification itself")->type_name("SPEC");
}

// The whole of it; longer than a text may be is cut one byte above the limit, so that the parser refuses it.
Result<std::string> read_all(std::FILE* file, const std::string& name) {
  std::string text;
  char buffer[64 << 10];
  while (text.size() <= kMaxTextBytes) {
    const size_t count = std::fread(buffer, 1, sizeof buffer, file);
    text.append(buffer, count);
    if (count < sizeof buffer) {
      break;
    }
  }
  if (std::ferror(file) != 0) {
    return Status::from_errno(errno, "read " + quoted(name));
  }
  return text;
}

Result<SourceText> read_text(const CLI::App& app, const TextOptions& options) {
  if (app.count("-c") > 0) {
    if (!options.file.empty()) {
      return invalid("either a file or -c, not both");
    }
    return SourceText(options.spec, "spec");
  }
  if (options.file.empty() || options.file == "-") {
    auto text = read_all(stdin, "standard input");
    if (!text.ok()) {
      return text.status();
    }
    return SourceText(std::move(*text), "stdin");
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(options.file.c_str(), "rbe"), std::fclose);
  if (file == nullptr) {
    return Status::from_errno(errno, "open " + quoted(options.file));
  }
  auto text = read_all(file.get(), options.file);
  if (!text.ok()) {
    return text.status();
  }
  return SourceText(std::move(*text), options.file);
}

int fail_usage(const CLI::App& app, const Status& status) {
  std::fputs(str_cat(app.get_name(), ": ", status.message(), "\n").c_str(), stderr);
  return kExitUsage;
}

std::string check_json(const Deployment& tree, std::span<const Diagnostic> diagnostics) {
  JsonValue answer;
  const bool ok = !has_errors(diagnostics);
  answer.set("ok", ok);
  answer.set("diagnostics", to_json(diagnostics));
  JsonValue nodes{JsonValue::Array()};
  for (const NodeTree& node : ok ? tree.nodes : std::vector<NodeTree>()) {
    JsonValue entry;
    entry.set("name", node.name);
    entry.set("source", print(node.source));
    entry.set("sink", print(node.sink));
    nodes.push_back(std::move(entry));
  }
  answer.set("nodes", std::move(nodes));
  return answer.to_json() + "\n";
}

std::string count_text(size_t count, std::string_view word) { return str_cat(count, " ", word, count == 1 ? "" : "s"); }

void make_check_app(CLI::App& app, TextOptions& text, bool& json) {
  add_text_options(app, text);
  app.add_flag("--json", json, "print the result as JSON, as the HTTP API answers it");
}

int run_check(const Catalog& catalog, const CheckOptions& check_options, std::span<const std::string> args) {
  CLI::App app("Checks a specification and shows every error with its place. Exit code 0: no errors, 2: errors.",
               "check");
  TextOptions options;
  bool json = false;
  make_check_app(app, options, json);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  auto text = read_text(app, options);
  if (!text.ok()) {
    return fail_usage(app, text.status());
  }
  Parsed<Deployment> parsed = parse_deployment(*text);
  const Checked checked = check_text(*text, catalog, check_options);
  size_t errors = 0;
  for (const Diagnostic& diagnostic : checked.diagnostics) {
    errors += diagnostic.severity == Severity::kError ? 1 : 0;
  }
  if (json) {
    std::fputs(check_json(parsed.tree, checked.diagnostics).c_str(), stdout);
    return errors == 0 ? kExitOk : kExitUsage;
  }
  std::fputs(to_text(checked.diagnostics).c_str(), stderr);
  const size_t warnings = checked.diagnostics.size() - errors;
  std::string summary = errors > 0 ? count_text(errors, "error") : "ok, " + count_text(checked.nodes.size(), "node");
  if (warnings > 0) {
    str_append(summary, ", ", count_text(warnings, "warning"));
  }
  std::fputs(str_cat(text->name(), ": ", summary, "\n").c_str(), errors > 0 ? stderr : stdout);
  return errors == 0 ? kExitOk : kExitUsage;
}

void make_fmt_app(CLI::App& app, TextOptions& text, bool& ast) {
  add_text_options(app, text);
  app.add_flag("--ast", ast, "print the syntax tree in the notation of the classic system's tests");
}

int run_fmt(std::span<const std::string> args) {
  CLI::App app("Prints a specification in its canonical form, one node a line. Exit code 2: it has errors.", "fmt");
  TextOptions options;
  bool ast = false;
  make_fmt_app(app, options, ast);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  auto text = read_text(app, options);
  if (!text.ok()) {
    return fail_usage(app, text.status());
  }
  const Parsed<Deployment> parsed = parse_deployment(*text);
  std::fputs(to_text(parsed.diagnostics).c_str(), stderr);
  if (!parsed.ok()) {
    return kExitUsage;
  }
  std::fputs((ast ? print_tree(parsed.tree) : print(parsed.tree)).c_str(), stdout);
  return kExitOk;
}

}  // namespace

std::vector<Command> lang_commands(const Catalog& catalog, CheckOptions options) {
  CLI::App check("Checks a specification and shows every error with its place.", "check");
  CLI::App fmt("Prints a specification in its canonical form, one node a line.", "fmt");
  TextOptions text;
  bool flag = false;
  make_check_app(check, text, flag);
  make_fmt_app(fmt, text, flag);
  std::vector<Command> commands;
  commands.push_back({"check", "check a specification and show every error", usage_of(check),
                      [&catalog, options = std::move(options)](std::span<const std::string> args) {
                        return run_check(catalog, options, args);
                      }});
  commands.push_back({"fmt", "print a specification in its canonical form", usage_of(fmt),
                      [](std::span<const std::string> args) { return run_fmt(args); }});
  return commands;
}

}  // namespace flume::lang
