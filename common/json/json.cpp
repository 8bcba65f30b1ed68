#include "common/json/json.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cmath>

#include "common/base/text.h"

namespace flume {

namespace {

// Builds the tree from the parser's calls. Returning false ends the parse; why_ then says what was wrong.
class TreeBuilder {
 public:
  explicit TreeBuilder(const JsonLimits& limits) : limits_(limits) {}

  // The names are RapidJSON's. NOLINTBEGIN(readability-identifier-naming)
  bool Null() { return put(JsonValue()); }
  bool Bool(bool v) { return put(JsonValue(v)); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) { return number({text, size}); }
  // Never called, because numbers come as they are written; the parser asks for them all the same.
  bool Int(int) { return fail(internal()); }
  bool Uint(unsigned) { return fail(internal()); }
  bool Int64(int64_t) { return fail(internal()); }
  bool Uint64(uint64_t) { return fail(internal()); }
  bool Double(double) { return fail(internal()); }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    const std::string_view view(text, size);
    return check_text(view) && put(JsonValue(view));
  }
  bool StartObject() { return begin(JsonValue(JsonValue::Object())); }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    keys_.emplace_back(text, size);
    return check_text(keys_.back());
  }
  bool EndObject(rapidjson::SizeType) {
    std::vector<std::string_view> names;
    for (const auto& member : *open_.back().object()) {
      names.push_back(member.first);
    }
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    return twice == names.end() ? end() : fail(invalid(str_cat("the key ", quoted(*twice), " is there twice")));
  }
  bool StartArray() { return begin(JsonValue(JsonValue::Array())); }
  bool EndArray(rapidjson::SizeType) { return end(); }
  // NOLINTEND(readability-identifier-naming)

  Status why() const { return why_; }
  JsonValue take() { return std::move(root_); }

 private:
  bool fail(Status why) {
    why_ = std::move(why);
    return false;
  }
  static Status internal() { return {Code::kInternal, "a number that was not asked for"}; }
  // RapidJSON knows the grammar of numbers; their values are made here, because its own conversion has undefined
  // behaviour for a zero with an exponent.
  bool number(std::string_view text) {
    if (text.find_first_of(".eE") == std::string_view::npos) {
      if (const auto integer = parse_number<int64_t>(text)) {
        return put(JsonValue(*integer));
      }
      if (const auto natural = parse_number<uint64_t>(text)) {
        return put(JsonValue(*natural));
      }
    }
    const auto real = parse_number<double>(text);
    return real ? put(JsonValue(*real)) : fail(invalid("a number is too large or too small"));
  }
  bool check_text(std::string_view text) {
    return !limits_.validate_utf8 || is_valid_utf8(text) || fail(invalid("a text is not valid UTF-8"));
  }
  bool begin(JsonValue container) {
    if (open_.size() >= limits_.depth) {
      return fail(Status(Code::kNoSpace, str_cat("nested deeper than ", limits_.depth)));
    }
    open_.push_back(std::move(container));
    return true;
  }
  bool end() {
    JsonValue done = std::move(open_.back());
    open_.pop_back();
    return put(std::move(done));
  }
  bool put(JsonValue v) {
    if (open_.empty()) {
      root_ = std::move(v);
    } else if (auto* object = open_.back().object()) {
      object->emplace_back(std::move(keys_.back()), std::move(v));
      keys_.pop_back();
    } else {
      open_.back().array()->push_back(std::move(v));
    }
    return true;
  }

  const JsonLimits limits_;
  JsonValue root_;
  std::vector<JsonValue> open_;    // containers not ended yet, outermost first
  std::vector<std::string> keys_;  // of members whose value is not read yet
  Status why_;
};

Status wrong_type(std::string_view expected, const JsonValue& found) {
  return invalid(str_cat("expected ", expected, ", not ", found.type_name()));
}

// The member `key` read by `read`; a missing one is an error that names it.
template <class T>
Result<T> member_as(const JsonValue& object, std::string_view key, Result<T> (JsonValue::*read)() const) {
  if (!object.is_object()) {
    return wrong_type("an object", object);
  }
  const JsonValue* found = object.find(key);
  if (found == nullptr) {
    return invalid(str_cat(quoted(key), " is missing"));
  }
  Result<T> value = (found->*read)();
  return value.ok() ? std::move(value) : Result<T>(value.status().with_context(quoted(key)));
}

bool is_missing(const JsonValue& object, std::string_view key) {
  const JsonValue* found = object.find(key);
  return object.is_object() && (found == nullptr || found->is_null());
}

// The bytes of the UTF-8 character at the start of `text`, 0 if there is none.
size_t utf8_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  return length != 0 && length <= text.size() && is_valid_utf8(text.substr(0, length)) ? length : 0;
}

void append_escaped_byte(std::string& out, unsigned char c) {
  constexpr char kHex[] = "0123456789ABCDEF";
  switch (c) {
    case '"': out.append("\\\""); break;
    case '\\': out.append("\\\\"); break;
    case '\b': out.append("\\b"); break;
    case '\f': out.append("\\f"); break;
    case '\n': out.append("\\n"); break;
    case '\r': out.append("\\r"); break;
    case '\t': out.append("\\t"); break;
    default:
      out.append("\\u00");
      out.push_back(kHex[c >> 4]);
      out.push_back(kHex[c & 15]);
  }
}

}  // namespace

Result<JsonValue> JsonValue::parse(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return Status(Code::kNoSpace, str_cat("read JSON: ", text.size(), " bytes, more than the limit of ", limits.bytes));
  }
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos) {
    return invalid(str_cat("read JSON: at byte ", zero, ": a zero byte"));  // the parser would take it for the end
  }
  TreeBuilder builder(limits);
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, builder);
  if (!result.IsError()) {
    return builder.take();
  }
  const std::string where = str_cat("read JSON: at byte ", result.Offset());
  if (result.Code() == rapidjson::kParseErrorTermination && !builder.why().ok()) {
    return builder.why().with_context(where);
  }
  return invalid(str_cat(where, ": ", rapidjson::GetParseError_En(result.Code())));
}

bool JsonValue::is_integer() const {
  return std::holds_alternative<int64_t>(value_) || std::holds_alternative<uint64_t>(value_);
}

std::string_view JsonValue::type_name() const {
  return is_null()     ? "null"
         : is_bool()   ? "a bool"
         : is_text()   ? "a text"
         : is_array()  ? "an array"
         : is_object() ? "an object"
                       : "a number";
}

Result<std::string> JsonValue::as_text() const {
  const std::string* found = text();
  return found != nullptr ? Result<std::string>(*found) : Result<std::string>(wrong_type("a text", *this));
}

Result<int64_t> JsonValue::as_integer() const {
  if (const int64_t* number = std::get_if<int64_t>(&value_)) {
    return *number;
  }
  if (is_number()) {
    return invalid(str_cat("expected an integer of 64 bits, not ", to_json()));
  }
  return wrong_type("an integer", *this);
}

Result<uint64_t> JsonValue::as_unsigned() const {
  if (const uint64_t* number = std::get_if<uint64_t>(&value_)) {
    return *number;
  }
  const int64_t* number = std::get_if<int64_t>(&value_);
  if (number != nullptr && *number >= 0) {
    return static_cast<uint64_t>(*number);
  }
  if (is_number()) {
    return invalid(str_cat("expected an integer from 0 on, not ", to_json()));
  }
  return wrong_type("an integer", *this);
}

Result<double> JsonValue::as_number() const {
  if (const double* number = std::get_if<double>(&value_)) {
    return *number;
  }
  if (const uint64_t* number = std::get_if<uint64_t>(&value_)) {
    return static_cast<double>(*number);
  }
  if (const int64_t* number = std::get_if<int64_t>(&value_)) {
    return static_cast<double>(*number);
  }
  return wrong_type("a number", *this);
}

Result<bool> JsonValue::as_bool() const {
  const bool* found = std::get_if<bool>(&value_);
  return found != nullptr ? Result<bool>(*found) : Result<bool>(wrong_type("a bool", *this));
}

const JsonValue* JsonValue::find(std::string_view key) const {
  const Object* members = object();
  if (members == nullptr) {
    return nullptr;
  }
  for (const auto& [name, value] : *members) {
    if (name == key) {
      return &value;
    }
  }
  return nullptr;
}

Result<std::string> JsonValue::text(std::string_view key) const { return member_as(*this, key, &JsonValue::as_text); }
Result<int64_t> JsonValue::integer(std::string_view key) const { return member_as(*this, key, &JsonValue::as_integer); }
Result<double> JsonValue::number(std::string_view key) const { return member_as(*this, key, &JsonValue::as_number); }
Result<bool> JsonValue::boolean(std::string_view key) const { return member_as(*this, key, &JsonValue::as_bool); }

Result<std::string> JsonValue::text_or(std::string_view key, std::string_view fallback) const {
  return is_missing(*this, key) ? Result<std::string>(std::string(fallback)) : text(key);
}
Result<int64_t> JsonValue::integer_or(std::string_view key, int64_t fallback) const {
  return is_missing(*this, key) ? Result<int64_t>(fallback) : integer(key);
}
Result<bool> JsonValue::boolean_or(std::string_view key, bool fallback) const {
  return is_missing(*this, key) ? Result<bool>(fallback) : boolean(key);
}

void JsonValue::set(std::string_view key, JsonValue value) {
  if (is_null()) {
    value_ = Object();
  }
  Object* members = object();
  FLUME_CHECK(members != nullptr, type_name());
  for (auto& member : *members) {
    if (member.first == key) {
      member.second = std::move(value);
      return;
    }
  }
  members->emplace_back(std::string(key), std::move(value));
}

void JsonValue::erase(std::string_view key) {
  if (Object* members = object()) {
    std::erase_if(*members, [key](const auto& member) { return member.first == key; });
  }
}

void JsonValue::push_back(JsonValue value) {
  if (is_null()) {
    value_ = Array();
  }
  FLUME_CHECK(is_array(), type_name());
  array()->push_back(std::move(value));
}

bool JsonValue::operator==(const JsonValue& other) const { return value_ == other.value_; }

std::string JsonValue::to_json() const { return JsonWriter().value(*this).take(); }

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  size_t plain = 0;  // start of the bytes that can be copied as they are
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    const size_t length = c >= 0x80 ? utf8_length(text.substr(i)) : 0;
    if (length != 0) {
      i += length;
      continue;
    }
    out.append(text, plain, i - plain);
    if (c < 0x80) {
      append_escaped_byte(out, c);
    } else {
      out.append("\xEF\xBF\xBD");
    }
    plain = ++i;
  }
  out.append(text, plain, text.size() - plain);
  out.push_back('"');
}

void append_json_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out.append("null");
    return;
  }
  const size_t before = out.size();
  str_append(out, number);
  if (out.find_first_of(".eE", before) == std::string::npos) {
    out.append(".0");  // stays a double when it is read back
  }
}

void JsonWriter::new_line(size_t depth) {
  if (indent_ > 0) {
    out_.push_back('\n');
    out_.append(depth * static_cast<size_t>(indent_), ' ');
  }
}

void JsonWriter::before_value() {
  if (levels_.empty()) {
    FLUME_CHECK(out_.empty(), "one JSON text holds one value");
    return;
  }
  Level& level = levels_.back();
  if (level.is_object) {
    FLUME_CHECK(after_key_, "a member needs its key first");
    after_key_ = false;
    return;
  }
  if (!level.is_empty) {
    out_.push_back(',');
  }
  level.is_empty = false;
  new_line(levels_.size());
}

JsonWriter& JsonWriter::begin_object() {
  before_value();
  out_.push_back('{');
  levels_.push_back({true, true});
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  before_value();
  out_.push_back('[');
  levels_.push_back({false, true});
  return *this;
}

JsonWriter& JsonWriter::end(bool is_object, char bracket) {
  FLUME_CHECK(!levels_.empty() && levels_.back().is_object == is_object && !after_key_, "an end without its begin");
  const bool is_empty = levels_.back().is_empty;
  levels_.pop_back();
  if (!is_empty) {
    new_line(levels_.size());
  }
  out_.push_back(bracket);
  return *this;
}

JsonWriter& JsonWriter::end_object() { return end(true, '}'); }
JsonWriter& JsonWriter::end_array() { return end(false, ']'); }

JsonWriter& JsonWriter::key(std::string_view name) {
  FLUME_CHECK(!levels_.empty() && levels_.back().is_object && !after_key_, name);
  if (!levels_.back().is_empty) {
    out_.push_back(',');
  }
  levels_.back().is_empty = false;
  new_line(levels_.size());
  append_json_string(out_, name);
  out_.append(indent_ > 0 ? ": " : ":");
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  before_value();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool v) { return raw(v ? "true" : "false"); }
JsonWriter& JsonWriter::null() { return raw("null"); }

JsonWriter& JsonWriter::raw(std::string_view json) {
  before_value();
  out_.append(json);
  return *this;
}

JsonWriter& JsonWriter::integer(int64_t v) {
  before_value();
  str_append(out_, v);
  return *this;
}

JsonWriter& JsonWriter::natural(uint64_t v) {
  before_value();
  str_append(out_, v);
  return *this;
}

JsonWriter& JsonWriter::real(double v) {
  before_value();
  append_json_number(out_, v);
  return *this;
}

JsonWriter& JsonWriter::value(const JsonValue& tree) {
  if (const auto* members = tree.object()) {
    begin_object();
    for (const auto& [name, below] : *members) {
      key(name).value(below);
    }
    return end_object();
  }
  if (const auto* elements = tree.array()) {
    begin_array();
    for (const JsonValue& below : *elements) {
      value(below);
    }
    return end_array();
  }
  return std::visit(
      [this](const auto& v) -> JsonWriter& {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          return null();
        } else if constexpr (std::is_same_v<T, JsonValue::Array> || std::is_same_v<T, JsonValue::Object>) {
          return *this;  // written above
        } else {
          return value(v);
        }
      },
      tree.value_);
}

std::string JsonWriter::take() {
  FLUME_CHECK(levels_.empty() && !out_.empty(), "the JSON text is not complete");
  return std::move(out_);
}

void write_moment(JsonWriter& json, std::string_view name, int64_t millis) {
  json.key(name);
  if (millis == 0) {
    json.null();
  } else {
    json.value(millis);
  }
}

}  // namespace flume
