#include "common/cli/options.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "common/base/command.h"
#include "common/base/text.h"

namespace flume {
namespace {

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
    for (const std::string& name : option->get_snames()) {
      names.push_back("-" + name);
    }
  }
  return names;
}

void print_error(const CLI::App& app, const std::string& message) {
  std::fputs(str_cat(app.get_name(), ": ", message, "; see flume help ", app.get_name(), "\n").c_str(), stderr);
}

}  // namespace

std::optional<int> parse_options(CLI::App& app, std::span<const std::string> args) {
  std::vector<std::string> reversed(args.rbegin(), args.rend());  // as CLI11 wants them
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    std::fputs(usage_of(app).c_str(), stdout);
    return kExitOk;
  } catch (const CLI::ExtrasError&) {
    std::string message;
    for (const std::string& word : app.remaining()) {
      const auto nearest = nearest_name(word, option_names(app));
      str_append(message, message.empty() ? "" : ", ", word.starts_with("-") ? "no option " : "unexpected argument ",
                 quoted(word), nearest ? str_cat(" (did you mean ", *nearest, "?)") : "");
    }
    print_error(app, message);
    return kExitUsage;
  } catch (const CLI::ParseError& error) {
    print_error(app, error.what());
    return kExitUsage;
  }
  return std::nullopt;
}

std::string usage_of(const CLI::App& app) { return app.help(); }

}  // namespace flume
