#include "node/runtime/formats.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/check.h"
#include "common/base/text.h"

namespace flume::node {

namespace {

std::string argument_text(const lang::Value& value) {
  return std::visit(
      [](const auto& held) -> std::string {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, std::shared_ptr<const lang::FunctionValue>>) {
          return held->text();
        } else {
          return str_cat(held);
        }
      },
      value);
}

void add(Registry& registry, const char* name, const char* summary, const char* example,
         std::vector<std::string> aliases = {}, std::vector<lang::ArgSpec> args = {}) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kFormat;
  spec.name = name;
  spec.summary = summary;
  spec.aliases = std::move(aliases);
  spec.args = std::move(args);
  spec.examples = {{name, example}};
  registry.add_format(std::move(spec));
}

}  // namespace

void register_formats(Registry& registry) {
  add(registry, "raw", "The body and a newline.", "What tail read comes out byte for byte.", {"default"});
  add(registry, "debug", "One readable line: host, time, priority, attributes, body.", "For a look at a terminal.");
  add(registry, "json", "One JSON object a line; bytes that are no UTF-8 become U+FFFD.",
      "For programs that read text.");
  add(registry, "avrojson", "One JSON object a line; a character U+0000 to U+00FF stands for a byte.",
      "Any bytes survive; `replay` reads it back.");
  add(registry, "syslog", "A line as syslog daemons write it: date, host, the attribute service, body.",
      "For tools that read syslog files.", {},
      {{.name = "year", .doc = "Taken for the classic system's sake; not used.", .type = lang::ArgType::kInteger}});
  add(registry, "log4j", "A line as log4j's usual pattern writes it.", "For tools that read such logs.");
}

std::function<std::unique_ptr<OutputFormat>()> format_maker(const lang::FunctionValue& argument) {
  std::vector<std::string> args;
  args.reserve(argument.args.size());
  for (const lang::Value& value : argument.args) {
    args.push_back(argument_text(value));
  }
  return [name = argument.name, args = std::move(args)] {
    auto format = make_format(name, args);
    FLUME_CHECK(format.ok(), format.status().message());
    return std::move(format).value();
  };
}

}  // namespace flume::node
