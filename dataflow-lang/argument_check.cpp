#include "dataflow-lang/argument_check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "common/base/host_port.h"
#include "common/base/text.h"
#include "common/base/units.h"
#include "common/text/escape.h"
#include "common/text/regex.h"
#include "dataflow-lang/lexer.h"
#include "dataflow-lang/parser.h"
#include "dataflow-lang/printer.h"

namespace flume::lang {
namespace {

using Kind = Argument::Kind;

std::string_view kind_text(Kind kind) {
  switch (kind) {
    case Kind::kDecimal:
    case Kind::kHex:
    case Kind::kOctal: return "an integer";
    case Kind::kFloat: return "a number with a fraction";
    case Kind::kString: return "a text";
    case Kind::kBool: return "true or false";
    case Kind::kFunction: return "a name";
  }
  return "";
}

// What a value of this type looks like, for "expected ...".
std::string expected_text(const ArgSpec& spec) {
  switch (spec.type) {
    case ArgType::kText: return "a text";
    case ArgType::kInteger: return "an integer";
    case ArgType::kFloat: return "a number";
    case ArgType::kBool: return "true or false";
    case ArgType::kDuration:
      return str_cat("a duration such as \"250ms\", or a number of ", spec.unit.empty() ? "ms" : spec.unit);
    case ArgType::kBytes: return "a size such as \"64KiB\", or a number of bytes";
    case ArgType::kPort: return "a port from 0 to 65535";
    case ArgType::kHostPort: return "\"host\" or \"host:port\"";
    case ArgType::kRegex: return "a text with a regular expression";
    case ArgType::kEscape: return "a text, which may have escapes such as %{host} or %Y";
    case ArgType::kFormat: return "an output format, such as raw";
    case ArgType::kSinkText: return "a text with a sink";
    case ArgType::kFunction: return join(spec.one_of, " or ");
    case ArgType::kSinkTemplate: return "a text with a sink, where %s stands for what is filled in";
  }
  return "";
}

bool is_integer_literal(Kind kind) { return kind == Kind::kDecimal || kind == Kind::kHex || kind == Kind::kOctal; }

// 42, -5, 0x2a, 052
std::optional<int64_t> integer_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::string_view digits = negative ? text.substr(1) : text;
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
    digits.remove_prefix(1);
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  const uint64_t limit = static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) + (negative ? 1 : 0);
  if (error != std::errc() || end != digits.data() + digits.size() || value > limit) {
    return std::nullopt;
  }
  return negative ? static_cast<int64_t>(0 - value) : static_cast<int64_t>(value);
}

Duration unit_of(const ArgSpec& spec) {
  const auto unit = parse_duration(str_cat("1", spec.unit.empty() ? std::string("ms") : spec.unit));
  return unit.ok() ? *unit : Duration(std::chrono::milliseconds(1));
}

// Converts one written value; each problem is reported once, at the value.
class ValueCheck {
 public:
  ValueCheck(const CheckContext& context, const ComponentSpec& owner, const ArgSpec& spec, const Argument& argument)
      : context_(context), owner_(owner), spec_(spec), argument_(argument) {}

  std::optional<Value> convert() {
    switch (spec_.type) {
      case ArgType::kText: return one_of(text());
      case ArgType::kHostPort: return host_port();
      case ArgType::kInteger:
      case ArgType::kPort: return integer();
      case ArgType::kFloat: return number();
      case ArgType::kBool: return boolean();
      case ArgType::kDuration: return duration();
      case ArgType::kBytes: return bytes();
      case ArgType::kRegex: return regex();
      case ArgType::kEscape: return escape();
      case ArgType::kFormat: return format();
      case ArgType::kSinkText: return sink_text();
      case ArgType::kFunction: return function();
      case ArgType::kSinkTemplate: return one_of(text());
    }
    return std::nullopt;
  }

 private:
  std::string where() const { return str_cat("argument '", spec_.name, "' of ", owner_.name); }

  Diagnostic& report(std::string_view code, std::string message) {
    return context_.diagnostics.error(code, argument_.span, std::move(message));
  }

  std::nullopt_t wrong_type() {
    if (!argument_.text.empty()) {  // else it could not be read, which is reported already
      report("L026", str_cat(where(), ": expected ", expected_text(spec_), ", found ", kind_text(argument_.kind)));
    }
    return std::nullopt;
  }

  // The text of a string; numbers and truth values stand for their own text, as in the classic system.
  std::optional<std::string> text() {
    if (argument_.kind == Kind::kString) {
      auto unquoted = unquote(argument_.text);
      if (!unquoted) {
        wrong_type();
      }
      return unquoted;
    }
    if (argument_.kind == Kind::kFunction) {
      return wrong_type();
    }
    if (is_integer_literal(argument_.kind)) {
      if (const auto value = integer_of(argument_.text)) {
        return str_cat(*value);
      }
    }
    return argument_.text;
  }

  std::optional<Value> one_of(std::optional<std::string> value) {
    if (!value) {
      return std::nullopt;
    }
    if (!spec_.one_of.empty() && std::find(spec_.one_of.begin(), spec_.one_of.end(), *value) == spec_.one_of.end()) {
      Diagnostic& found = report("L028", str_cat(where(), ": '", *value, "' is not one of ", join(spec_.one_of, ", ")));
      if (const auto nearest = nearest_name(*value, spec_.one_of)) {
        found.suggestion = string_literal(*nearest);
      }
      return std::nullopt;
    }
    return Value(std::move(*value));
  }

  std::optional<Value> in_range(int64_t counted, int64_t value, std::string_view unit) {
    if (counted >= spec_.min && counted <= spec_.max) {
      return Value(value);
    }
    constexpr int64_t kNoMin = std::numeric_limits<int64_t>::min();
    constexpr int64_t kNoMax = std::numeric_limits<int64_t>::max();
    std::string range;
    if (spec_.min != kNoMin && spec_.max != kNoMax) {
      range = str_cat("from ", spec_.min, " to ", spec_.max);
    } else {
      range = spec_.min != kNoMin ? str_cat("at least ", spec_.min) : str_cat("at most ", spec_.max);
    }
    report("L027", str_cat(where(), ": ", argument_.text, " is out of range; it must be ", range,
                           unit.empty() ? "" : " ", unit));
    return std::nullopt;
  }

  std::optional<Value> integer() {
    std::optional<int64_t> value;
    if (is_integer_literal(argument_.kind)) {
      value = integer_of(argument_.text);
      if (!value && !argument_.text.empty()) {
        report("L027", str_cat(where(), ": ", argument_.text, " does not fit into 64 bits"));
        return std::nullopt;
      }
    } else if (argument_.kind == Kind::kString) {
      const auto unquoted = unquote(argument_.text);
      value = unquoted ? parse_number<int64_t>(*unquoted) : std::nullopt;
    }
    if (!value) {
      return wrong_type();
    }
    if (spec_.type == ArgType::kPort && (*value < 0 || *value > 65535)) {
      report("L027", str_cat(where(), ": ", *value, " is no port; it must be from 0 to 65535"));
      return std::nullopt;
    }
    return in_range(*value, *value, spec_.unit);
  }

  std::optional<Value> number() {
    std::optional<double> value;
    if (argument_.kind == Kind::kFloat || argument_.kind == Kind::kDecimal) {
      value = parse_number<double>(argument_.text);
    } else if (is_integer_literal(argument_.kind)) {
      if (const auto whole = integer_of(argument_.text)) {
        value = static_cast<double>(*whole);
      }
    } else if (argument_.kind == Kind::kString) {
      const auto unquoted = unquote(argument_.text);
      value = unquoted ? parse_number<double>(*unquoted) : std::nullopt;
    }
    if (!value || !std::isfinite(*value)) {
      return wrong_type();
    }
    if (*value < static_cast<double>(spec_.min) || *value > static_cast<double>(spec_.max)) {
      report("L027", str_cat(where(), ": ", argument_.text, " is out of range"));
      return std::nullopt;
    }
    return Value(*value);
  }

  std::optional<Value> boolean() {
    std::string value = argument_.text;
    if (argument_.kind == Kind::kString) {
      value = unquote(argument_.text).value_or("");
    } else if (argument_.kind != Kind::kBool) {
      return wrong_type();
    }
    if (value != "true" && value != "false") {
      return wrong_type();
    }
    return Value(value == "true");
  }

  std::optional<Value> duration() {
    const Duration unit = unit_of(spec_);
    std::optional<std::string> written = quantity();
    if (!written) {
      return wrong_type();
    }
    const bool negative = written->starts_with('-');
    const auto value = parse_duration(negative ? written->substr(1) : *written, unit);
    if (!value.ok()) {
      report("L052", str_cat(where(), ": ", value.status().message()));
      return std::nullopt;
    }
    const int64_t nanos = negative ? -value->count() : value->count();
    const int64_t floor = nanos >= 0 ? nanos / unit.count() : -((-nanos + unit.count() - 1) / unit.count());
    return in_range(floor, nanos, spec_.unit.empty() ? "ms" : spec_.unit);
  }

  std::optional<Value> bytes() {
    std::optional<std::string> written = quantity();
    if (!written) {
      return wrong_type();
    }
    const bool negative = written->starts_with('-');
    const auto value = parse_bytes(negative ? written->substr(1) : *written);
    if (!value.ok()) {
      report("L052", str_cat(where(), ": ", value.status().message()));
      return std::nullopt;
    }
    const int64_t size = negative ? -*value : *value;
    return in_range(size, size, "bytes");
  }

  // A number with a unit, as text.
  std::optional<std::string> quantity() {
    if (is_integer_literal(argument_.kind)) {
      const auto value = integer_of(argument_.text);
      return value ? std::optional(str_cat(*value)) : std::nullopt;
    }
    return argument_.kind == Kind::kString ? unquote(argument_.text) : std::nullopt;
  }

  std::optional<Value> host_port() {
    const auto value = text();
    if (!value) {
      return std::nullopt;
    }
    if (parse_host_port(*value, 1)) {
      return Value(*value);
    }
    const size_t colon = value->rfind(':');
    if (colon == std::string::npos || colon == 0) {
      return wrong_type();
    }
    report("L027", str_cat(where(), ": '", value->substr(colon + 1), "' is no port; it must be from 1 to 65535"));
    return std::nullopt;
  }

  std::optional<Value> regex() {
    const auto value = text();
    if (!value) {
      return std::nullopt;
    }
    if (const auto compiled = Regex::compile(*value); !compiled.ok()) {
      report("L050", str_cat(where(), ": ", compiled.status().message()));
      return std::nullopt;
    }
    return Value(*value);
  }

  std::optional<Value> escape() {
    const auto value = text();
    if (!value) {
      return std::nullopt;
    }
    const auto parsed = EscapeTemplate::parse(*value);
    if (!parsed.ok()) {
      report("L051", str_cat(where(), ": ", parsed.status().message()));
      return std::nullopt;
    }
    for (const std::string& warning : parsed->warnings()) {
      context_.diagnostics.warning("W002", argument_.span, str_cat(where(), ": ", warning));
    }
    return Value(*value);
  }

  // raw, "raw" or seqfile("bzip2"); its arguments against its own description.
  std::optional<Value> format() {
    auto value = std::make_shared<FunctionValue>();
    if (argument_.kind == Kind::kFunction) {
      value->name = argument_.text;
    } else if (argument_.kind == Kind::kString) {
      value->name = unquote(argument_.text).value_or("");
    } else {
      return wrong_type();
    }
    const ComponentSpec* spec = context_.catalog.find(ComponentSpec::Kind::kFormat, value->name);
    if (spec == nullptr) {
      Diagnostic& found = report("L021", str_cat("no output format '", value->name, "'"));
      suggest(found, context_.catalog.nearest(ComponentSpec::Kind::kFormat, value->name));
      return std::nullopt;
    }
    const auto args = check_arguments(context_, *spec, argument_.args, argument_.span);
    if (!args) {
      return std::nullopt;
    }
    for (const ArgSpec& arg : spec->args) {
      if (args->has(arg.name)) {
        value->args.push_back(args->value(arg.name));
      }
    }
    return Value(std::shared_ptr<const FunctionValue>(std::move(value)));
  }

  std::optional<Value> sink_text() {
    const auto value = text();
    if (!value) {
      return std::nullopt;
    }
    const SourceText inner(*value, spec_.name);
    Parsed<SinkTree> parsed = parse_sink(inner);
    std::vector<Diagnostic> found = std::move(parsed.diagnostics);
    if (!has_errors(found)) {
      check_sink(parsed.tree, inner, context_.catalog, context_.options, found);
    }
    for (const Diagnostic& diagnostic : found) {
      if (diagnostic.severity == Severity::kError) {
        report("L053", str_cat(where(), ": in the sink, at ", diagnostic.begin.line, ":", diagnostic.begin.column, ": ",
                               diagnostic.message));
        return std::nullopt;
      }
    }
    return Value(*value);
  }

  // name, or name(type) for one with an argument: "size(bytes)".
  std::optional<Value> function() {
    if (argument_.kind != Kind::kFunction) {
      return wrong_type();
    }
    for (const std::string& known : spec_.one_of) {
      const size_t open = known.find('(');
      if (known.substr(0, open) != argument_.text) {
        continue;
      }
      auto value = std::make_shared<FunctionValue>();
      value->name = argument_.text;
      const std::string type = open == std::string::npos ? "" : known.substr(open + 1, known.size() - open - 2);
      if (argument_.args.size() != (type.empty() ? 0U : 1U)) {
        report("L022",
               str_cat(where(), ": ", value->name, type.empty() ? " takes no argument" : " takes one argument"));
        return std::nullopt;
      }
      if (!type.empty() && !function_argument(type, *value)) {
        return std::nullopt;
      }
      return Value(std::shared_ptr<const FunctionValue>(std::move(value)));
    }
    report("L028", str_cat(where(), ": '", argument_.text, "' is not one of ", join(spec_.one_of, ", ")));
    return std::nullopt;
  }

  bool function_argument(const std::string& type, FunctionValue& function) {
    ArgSpec inner{.name = spec_.name + "." + function.name, .doc = spec_.doc};
    inner.type = type == "bytes" ? ArgType::kBytes : type == "duration" ? ArgType::kDuration : ArgType::kInteger;
    inner.min = 1;
    auto value = ValueCheck(context_, owner_, inner, argument_.args[0]).convert();
    if (value) {
      function.args.push_back(std::move(*value));
    }
    return value.has_value();
  }

  const CheckContext& context_;
  const ComponentSpec& owner_;
  const ArgSpec& spec_;
  const Argument& argument_;
};

// A default as a literal, without the parser: it is asked for again and again.
std::optional<Argument> default_argument(const ArgSpec& spec, const CheckOptions& options) {
  std::optional<std::string> setting;
  if (!spec.setting.empty() && options.setting) {
    setting = options.setting(spec.setting);
  }
  const std::string& written = setting ? *setting : spec.default_text;
  if (written.empty() && !setting) {
    return std::nullopt;
  }
  Argument argument;
  argument.text = written;
  switch (spec.type) {
    case ArgType::kBool: argument.kind = Kind::kBool; break;
    case ArgType::kFloat: argument.kind = Kind::kFloat; break;
    case ArgType::kFormat:
    case ArgType::kFunction:
      if (written.find_first_of("(\"") != std::string::npos) {
        return parse_argument(SourceText(written)).tree;
      }
      argument.kind = Kind::kFunction;
      break;
    case ArgType::kInteger:
    case ArgType::kPort: argument.kind = Kind::kDecimal; break;
    default:
      argument.kind = Kind::kString;
      if (setting || !(written.size() >= 2 && written.front() == '"')) {
        argument.text = string_literal(written);
      }
  }
  return argument;
}

// Which description each written argument belongs to; null where there is none (reported).
std::vector<const ArgSpec*> assign(const CheckContext& context, const ComponentSpec& owner,
                                   std::span<const Argument> given) {
  std::vector<const ArgSpec*> positional;
  for (const ArgSpec& spec : owner.args) {
    if (!spec.keyword_only) {
      positional.push_back(&spec);
    }
  }
  std::vector<const ArgSpec*> out;
  std::set<std::string_view> seen;
  size_t next = 0;
  bool too_many = false;
  for (const Argument& argument : given) {
    const ArgSpec* spec = nullptr;
    if (!argument.keyword.empty()) {
      const auto found = std::find_if(owner.args.begin(), owner.args.end(),
                                      [&](const ArgSpec& known) { return known.name == argument.keyword; });
      if (found == owner.args.end()) {
        std::vector<std::string> names;
        for (const ArgSpec& known : owner.args) {
          names.push_back(known.name);
        }
        Diagnostic& unknown = context.diagnostics.error(
            "L024", argument.keyword_span, str_cat(owner.name, " has no argument '", argument.keyword, "'"));
        suggest(unknown, nearest_name(argument.keyword, names).value_or(""));
      } else {
        spec = &*found;
      }
    } else if (next < positional.size()) {
      spec = positional[next];
      next += spec->repeated ? 0 : 1;
    } else if (!std::exchange(too_many, true)) {
      context.diagnostics.error("L022", argument.span,
                                positional.empty() ? str_cat(owner.name, " takes no arguments")
                                                   : str_cat(owner.name, " takes at most ", positional.size(),
                                                             positional.size() == 1 ? " argument" : " arguments"));
    }
    if (spec != nullptr && !seen.insert(spec->name).second && !(spec->repeated && argument.keyword.empty())) {
      context.diagnostics.error("L025", argument.keyword.empty() ? argument.span : argument.keyword_span,
                                str_cat("argument '", spec->name, "' of ", owner.name, " is given twice"));
      spec = nullptr;
    }
    out.push_back(spec);
  }
  return out;
}

}  // namespace

void suggest(Diagnostic& found, std::string_view nearest) {
  if (!nearest.empty()) {
    str_append(found.message, "; did you mean '", nearest, "'?");
    found.suggestion = nearest;
  }
}

std::optional<Args> check_arguments(const CheckContext& context, const ComponentSpec& owner,
                                    std::span<const Argument> given, Span call) {
  Args args;
  const std::vector<const ArgSpec*> specs = assign(context, owner, given);
  bool good = std::find(specs.begin(), specs.end(), nullptr) == specs.end();
  for (const ArgSpec& spec : owner.args) {
    std::vector<Value> values;
    bool was_given = false;
    for (size_t i = 0; i < given.size(); ++i) {
      if (specs[i] != &spec) {
        continue;
      }
      was_given = true;
      if (auto value = ValueCheck(context, owner, spec, given[i]).convert()) {
        values.push_back(std::move(*value));
      } else {
        good = false;
      }
    }
    if (!was_given && spec.required) {
      good = false;
      context.diagnostics.error("L023", call, str_cat(owner.name, " needs the argument '", spec.name, "': ", spec.doc));
    }
    if (!was_given && !spec.required) {
      if (auto written = default_argument(spec, context.options)) {
        written->span = call;  // a setting may hold what does not fit
        if (auto value = ValueCheck(context, owner, spec, *written).convert()) {
          values.push_back(std::move(*value));
        } else {
          good = false;
        }
      }
    }
    if (!values.empty()) {
      args.set(spec.name, std::move(values), was_given);
    }
  }
  return good ? std::optional(std::move(args)) : std::nullopt;
}

}  // namespace flume::lang
