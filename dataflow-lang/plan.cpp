#include "dataflow-lang/plan.h"

#include "common/base/check.h"
#include "common/base/text.h"
#include "dataflow-lang/printer.h"

namespace flume::lang {
namespace {

void append_value(std::string& out, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    out += string_literal(*text);
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    str_append(out, *integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    str_append(out, *number);
  } else if (const auto* boolean = std::get_if<bool>(&value)) {
    str_append(out, *boolean);
  } else {
    out += std::get<std::shared_ptr<const FunctionValue>>(value)->text();
  }
}

template <class T>
const T& as(const Value& value, std::string_view name) {
  const T* found = std::get_if<T>(&value);
  FLUME_CHECK(found != nullptr, str_cat("argument ", name, " is of another type"));
  return *found;
}

}  // namespace

std::string FunctionValue::text() const {
  std::string out = name;
  if (args.empty()) {
    return out;
  }
  out += '(';
  for (size_t i = 0; i < args.size(); ++i) {
    out += i > 0 ? ", " : "";
    append_value(out, args[i]);
  }
  return out += ')';
}

void Args::set(std::string name, std::vector<Value> values, bool given) {
  entries_.insert_or_assign(std::move(name), Entry{std::move(values), given});
}

bool Args::has(std::string_view name) const { return count(name) > 0; }

bool Args::given(std::string_view name) const {
  const auto found = entries_.find(name);
  return found != entries_.end() && found->second.given;
}

const Value& Args::value(std::string_view name) const {
  const auto found = entries_.find(name);
  FLUME_CHECK(found != entries_.end() && found->second.values.size() == 1, str_cat("no single argument ", name));
  return found->second.values.front();
}

const std::string& Args::text(std::string_view name) const { return as<std::string>(value(name), name); }

int64_t Args::integer(std::string_view name) const { return as<int64_t>(value(name), name); }

double Args::number(std::string_view name) const { return as<double>(value(name), name); }

bool Args::boolean(std::string_view name) const { return as<bool>(value(name), name); }

Duration Args::duration(std::string_view name) const { return std::chrono::nanoseconds(integer(name)); }

const FunctionValue& Args::function(std::string_view name) const {
  return *as<std::shared_ptr<const FunctionValue>>(value(name), name);
}

std::vector<std::string> Args::texts(std::string_view name) const {
  std::vector<std::string> found;
  if (const auto entry = entries_.find(name); entry != entries_.end()) {
    for (const Value& value : entry->second.values) {
      found.push_back(as<std::string>(value, name));
    }
  }
  return found;
}

size_t Args::count(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? 0 : found->second.values.size();
}

}  // namespace flume::lang
