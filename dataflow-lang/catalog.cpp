#include "dataflow-lang/catalog.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

#include "common/base/text.h"
#include "common/json/json.h"

namespace flume::lang {
namespace {

constexpr std::array<std::string_view, 14> kTypeNames = {"text",   "integer",   "float",     "bool",         "duration",
                                                         "bytes",  "port",      "host_port", "regex",        "escape",
                                                         "format", "sink_text", "function",  "sink_template"};
constexpr std::array<std::string_view, 8> kKeepsNames = {"nothing",      "journal",      "log",  "log_of_a_chain",
                                                         "failover_log", "durable_link", "link", "best_effort"};
constexpr std::array<std::string_view, 4> kKindNames = {"source", "sink", "decorator", "format"};

template <size_t N>
std::optional<size_t> position(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    return std::nullopt;
  }
  return static_cast<size_t>(found - names.begin());
}

std::string label(const ComponentSpec& spec) { return str_cat(kind_name(spec.kind), " ", quoted(spec.name)); }

Status check_arg(const ComponentSpec& spec, size_t index) {
  const ArgSpec& arg = spec.args[index];
  const std::string where = str_cat(label(spec), ", argument ", quoted(arg.name), ": ");
  if (arg.name.empty() || arg.doc.empty()) {
    return invalid(where + "has no name or no text");
  }
  if (arg.required && !(arg.default_text.empty() && arg.setting.empty())) {
    return invalid(where + "is required and has a default");
  }
  if (arg.type == ArgType::kFunction && arg.one_of.empty()) {
    return invalid(where + "names no functions");
  }
  for (size_t i = 0; i < index; ++i) {
    const ArgSpec& earlier = spec.args[i];
    if (earlier.name == arg.name) {
      return invalid(where + "is there twice");
    }
    if (arg.keyword_only) {
      continue;
    }
    if (earlier.repeated) {
      return invalid(where + "can never be given after a repeated one");
    }
    if (arg.required && !earlier.required && !earlier.keyword_only) {
      return invalid(where + "is required after one that is not");
    }
  }
  return {};
}

Status check_spec(const ComponentSpec& spec) {
  if (spec.name.empty() || spec.summary.empty()) {
    return invalid(label(spec) + ": has no name or no summary");
  }
  if (spec.examples.empty()) {
    return invalid(label(spec) + ": has no example");
  }
  for (size_t i = 0; i < spec.args.size(); ++i) {
    FLUME_RETURN_IF_ERROR(check_arg(spec, i));
  }
  const auto has = [&spec](auto&& test) { return std::any_of(spec.args.begin(), spec.args.end(), test); };
  if (has([](const ArgSpec& arg) { return arg.type == ArgType::kSinkTemplate; }) &&
      !has([](const ArgSpec& arg) { return arg.repeated; })) {
    return invalid(label(spec) + ": has a template and nothing to fill in");
  }
  return {};
}

void write_arg(JsonWriter& out, const ArgSpec& arg) {
  out.begin_object().member("name", arg.name).member("type", arg_type_name(arg.type)).member("doc", arg.doc);
  const auto text = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) {
      out.member(key, value);
    }
  };
  const auto flag = [&](std::string_view key, bool value) {
    if (value) {
      out.member(key, true);
    }
  };
  text("default", arg.default_text);
  text("setting", arg.setting);
  text("unit", arg.unit);
  if (arg.min != ArgSpec().min) {
    out.member("min", arg.min);
  }
  if (arg.max != ArgSpec().max) {
    out.member("max", arg.max);
  }
  if (!arg.one_of.empty()) {
    out.key("one_of").begin_array();
    for (const std::string& value : arg.one_of) {
      out.value(value);
    }
    out.end_array();
  }
  flag("required", arg.required);
  flag("repeated", arg.repeated);
  flag("keyword_only", arg.keyword_only);
  flag("secret", arg.secret);
  out.end_object();
}

void write_spec(JsonWriter& out, const ComponentSpec& spec) {
  out.begin_object().member("kind", kind_name(spec.kind)).member("name", spec.name).member("summary", spec.summary);
  out.member("doc", spec.doc).member("since", spec.since);
  out.key("aliases").begin_array();
  for (const std::string& alias : spec.aliases) {
    out.value(alias);
  }
  out.end_array().key("args").begin_array();
  for (const ArgSpec& arg : spec.args) {
    write_arg(out, arg);
  }
  out.end_array().key("examples").begin_array();
  for (const auto& [text, doc] : spec.examples) {
    out.begin_object().member("text", text).member("doc", doc).end_object();
  }
  out.end_array();
  out.member("replayable", spec.replayable).member("takes_responsibility", spec.takes_responsibility);
  out.member("keeps", keeps_name(spec.keeps)).member("receives", spec.receives);
  out.member("remakes_rows", spec.remakes_rows);
  out.member("needs_logical_node", spec.needs_logical_node).member("runs_commands", spec.runs_commands).end_object();
}

Result<std::vector<std::string>> read_texts(const JsonValue& object, std::string_view key) {
  std::vector<std::string> texts;
  const JsonValue* list = object.find(key);
  if (list == nullptr) {
    return texts;
  }
  if (!list->is_array()) {
    return invalid(str_cat(quoted(key), ": expected an array"));
  }
  for (const JsonValue& element : *list->array()) {
    FLUME_ASSIGN_OR_RETURN(std::string text, element.as_text());
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<ArgSpec> read_arg(const JsonValue& object) {
  ArgSpec arg;
  FLUME_ASSIGN_OR_RETURN(arg.name, object.text("name"));
  FLUME_ASSIGN_OR_RETURN(arg.doc, object.text("doc"));
  FLUME_ASSIGN_OR_RETURN(const std::string type, object.text("type"));
  const auto known = position(kTypeNames, type);
  if (!known) {
    return invalid(str_cat("unknown argument type ", quoted(type)));
  }
  arg.type = static_cast<ArgType>(*known);
  FLUME_ASSIGN_OR_RETURN(arg.default_text, object.text_or("default", ""));
  FLUME_ASSIGN_OR_RETURN(arg.setting, object.text_or("setting", ""));
  FLUME_ASSIGN_OR_RETURN(arg.unit, object.text_or("unit", ""));
  FLUME_ASSIGN_OR_RETURN(arg.min, object.integer_or("min", arg.min));
  FLUME_ASSIGN_OR_RETURN(arg.max, object.integer_or("max", arg.max));
  FLUME_ASSIGN_OR_RETURN(arg.one_of, read_texts(object, "one_of"));
  FLUME_ASSIGN_OR_RETURN(arg.required, object.boolean_or("required", false));
  FLUME_ASSIGN_OR_RETURN(arg.repeated, object.boolean_or("repeated", false));
  FLUME_ASSIGN_OR_RETURN(arg.keyword_only, object.boolean_or("keyword_only", false));
  FLUME_ASSIGN_OR_RETURN(arg.secret, object.boolean_or("secret", false));
  return arg;
}

// The elements of the array `key`, each through `read`.
template <class T, class Read>
Status read_list(const JsonValue& object, std::string_view key, std::vector<T>& out, Read read) {
  const JsonValue* list = object.find(key);
  if (list == nullptr || !list->is_array()) {
    return invalid(str_cat(quoted(key), ": expected an array"));
  }
  for (const JsonValue& element : *list->array()) {
    Result<T> value = read(element);
    if (!value.ok()) {
      return value.status().with_context(key);
    }
    out.push_back(std::move(value).value());
  }
  return {};
}

Result<std::pair<std::string, std::string>> read_example(const JsonValue& object) {
  std::pair<std::string, std::string> example;
  FLUME_ASSIGN_OR_RETURN(example.first, object.text("text"));
  FLUME_ASSIGN_OR_RETURN(example.second, object.text("doc"));
  return example;
}

Result<ComponentSpec> read_spec(const JsonValue& object) {
  ComponentSpec spec;
  FLUME_ASSIGN_OR_RETURN(const std::string kind, object.text("kind"));
  const auto known = position(kKindNames, kind);
  if (!known) {
    return invalid(str_cat("unknown kind of component ", quoted(kind)));
  }
  spec.kind = static_cast<ComponentSpec::Kind>(*known);
  FLUME_ASSIGN_OR_RETURN(spec.name, object.text("name"));
  FLUME_ASSIGN_OR_RETURN(spec.summary, object.text("summary"));
  FLUME_ASSIGN_OR_RETURN(spec.doc, object.text_or("doc", ""));
  FLUME_ASSIGN_OR_RETURN(spec.since, object.text_or("since", ""));
  FLUME_ASSIGN_OR_RETURN(spec.aliases, read_texts(object, "aliases"));
  FLUME_RETURN_IF_ERROR(read_list(object, "args", spec.args, read_arg).with_context(spec.name));
  FLUME_RETURN_IF_ERROR(read_list(object, "examples", spec.examples, read_example).with_context(spec.name));
  FLUME_ASSIGN_OR_RETURN(spec.replayable, object.boolean_or("replayable", false));
  FLUME_ASSIGN_OR_RETURN(spec.takes_responsibility, object.boolean_or("takes_responsibility", false));
  FLUME_ASSIGN_OR_RETURN(const std::string keeps, object.text_or("keeps", keeps_name(Keeps::kNothing)));
  const auto keeps_known = position(kKeepsNames, keeps);
  if (!keeps_known) {
    return invalid(str_cat("unknown way to answer for rows ", quoted(keeps)));
  }
  spec.keeps = static_cast<Keeps>(*keeps_known);
  FLUME_ASSIGN_OR_RETURN(spec.receives, object.boolean_or("receives", false));
  FLUME_ASSIGN_OR_RETURN(spec.remakes_rows, object.boolean_or("remakes_rows", false));
  FLUME_ASSIGN_OR_RETURN(spec.needs_logical_node, object.boolean_or("needs_logical_node", false));
  FLUME_ASSIGN_OR_RETURN(spec.runs_commands, object.boolean_or("runs_commands", false));
  return spec;
}

}  // namespace

std::string_view arg_type_name(ArgType type) { return kTypeNames[static_cast<size_t>(type)]; }

std::string_view keeps_name(Keeps keeps) { return kKeepsNames[static_cast<size_t>(keeps)]; }

std::string signature(const ComponentSpec& spec) {
  std::vector<std::string> parts;
  for (const ArgSpec& arg : spec.args) {
    std::string part = arg.keyword_only ? arg.name + "=..." : arg.name;
    if (arg.repeated) {
      part += "...";
    }
    parts.push_back(arg.required ? part : "[" + part + "]");
  }
  return parts.empty() ? spec.name : str_cat(spec.name, "(", join(parts, ", "), ")");
}

std::string_view kind_name(ComponentSpec::Kind kind) { return kKindNames[static_cast<size_t>(kind)]; }

Status Catalog::add(ComponentSpec spec) {
  FLUME_RETURN_IF_ERROR(check_spec(spec));
  std::vector<std::string> all_names = spec.aliases;
  all_names.push_back(spec.name);
  std::sort(all_names.begin(), all_names.end());
  for (size_t i = 0; i < all_names.size(); ++i) {
    if (find(spec.kind, all_names[i]) != nullptr || (i > 0 && all_names[i] == all_names[i - 1])) {
      return {Code::kExists, str_cat(kind_name(spec.kind), " ", quoted(all_names[i]), " is there already")};
    }
  }
  const auto before = [](const ComponentSpec& a, const ComponentSpec& b) {
    return std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
  };
  specs_.insert(std::upper_bound(specs_.begin(), specs_.end(), spec, before), std::move(spec));
  index_.clear();
  for (size_t i = 0; i < specs_.size(); ++i) {
    auto& by_name = index_[specs_[i].kind];
    by_name.emplace(specs_[i].name, i);
    for (const std::string& alias : specs_[i].aliases) {
      by_name.emplace(alias, i);
    }
  }
  return {};
}

const ComponentSpec* Catalog::find(ComponentSpec::Kind kind, std::string_view name_or_alias) const {
  const auto by_name = index_.find(kind);
  if (by_name == index_.end()) {
    return nullptr;
  }
  const auto found = by_name->second.find(name_or_alias);
  return found == by_name->second.end() ? nullptr : &specs_[found->second];
}

std::vector<std::string> Catalog::names(ComponentSpec::Kind kind) const {
  std::vector<std::string> found;
  if (const auto by_name = index_.find(kind); by_name != index_.end()) {
    for (const auto& [name, position] : by_name->second) {
      found.push_back(name);
    }
  }
  return found;
}

std::string Catalog::nearest(ComponentSpec::Kind kind, std::string_view name) const {
  return nearest_name(name, names(kind)).value_or("");
}

std::string Catalog::to_json() const {
  JsonWriter out(1);
  out.begin_object().member("version", 1).key("components").begin_array();
  for (const ComponentSpec& spec : specs_) {
    write_spec(out, spec);
  }
  out.end_array().end_object();
  return out.take();
}

Result<Catalog> Catalog::from_json(std::string_view json) {
  FLUME_ASSIGN_OR_RETURN(const JsonValue tree, JsonValue::parse(json));
  FLUME_ASSIGN_OR_RETURN(const int64_t version, tree.integer("version"));
  if (version != 1) {
    return Status(Code::kUnsupported, str_cat("catalogue of version ", version, ": only version 1 is known"));
  }
  std::vector<ComponentSpec> specs;
  FLUME_RETURN_IF_ERROR(read_list(tree, "components", specs, read_spec).with_context("read the catalogue"));
  Catalog catalog;
  for (ComponentSpec& spec : specs) {
    FLUME_RETURN_IF_ERROR(catalog.add(std::move(spec)));
  }
  return catalog;
}

}  // namespace flume::lang
