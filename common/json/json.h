// JSON behind types of our own: JsonValue (a small owning tree, read and edited) and JsonWriter (text, straight into a
// string). RapidJSON does the parsing and is seen in json.cpp only. Used by the catalogue, the master's store and API,
// saved node state and the `json` formats. Values; a parse error is kInvalid with the byte offset, or kNoSpace when a
// limit is passed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/status.h"

namespace flume {

// Bounds for text from elsewhere; checked before or while it is read, never after.
struct JsonLimits {
  size_t bytes = 16U << 20;
  uint32_t depth = 64;        // of objects and arrays in one another
  bool validate_utf8 = true;  // false: strings are taken as they are (binary-safe formats check on their own)
};

// One JSON value with all below it. Objects keep the order of the text and have each key once.
class JsonValue {
 public:
  using Array = std::vector<JsonValue>;
  using Object = std::vector<std::pair<std::string, JsonValue>>;

  JsonValue() = default;                                           // null
  JsonValue(std::string text) : value_(std::move(text)) {}         // NOLINT: implicit on purpose
  JsonValue(std::string_view text) : value_(std::string(text)) {}  // NOLINT: implicit on purpose
  JsonValue(const char* text) : value_(std::string(text)) {}       // NOLINT: implicit on purpose
  JsonValue(Array array) : value_(std::move(array)) {}             // NOLINT: implicit on purpose
  JsonValue(Object object) : value_(std::move(object)) {}          // NOLINT: implicit on purpose
  template <class T>
  requires std::is_arithmetic_v<T> JsonValue(T number) {  // NOLINT: implicit on purpose
    if constexpr (std::is_same_v<T, bool>) {
      value_ = number;
    } else if constexpr (std::is_floating_point_v<T>) {
      value_ = static_cast<double>(number);
    } else if constexpr (std::is_signed_v<T>) {
      value_ = static_cast<int64_t>(number);
    } else {
      set_unsigned(number);
    }
  }

  // The whole text as one value. Numbers that are integers and fit stay exact; others are finite doubles.
  static Result<JsonValue> parse(std::string_view text, const JsonLimits& limits = {});
  std::string to_json() const;

  bool is_null() const { return value_.index() == 0; }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_text() const { return std::holds_alternative<std::string>(value_); }
  bool is_integer() const;  // also 2^63 and more
  bool is_number() const { return is_integer() || std::holds_alternative<double>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  std::string_view type_name() const;  // "null", "a bool", "a text", "a number", "an array", "an object"

  // This value as one type; kInvalid "expected a text, not a number".
  Result<std::string> as_text() const;
  Result<int64_t> as_integer() const;  // a number without a fraction that fits
  Result<uint64_t> as_unsigned() const;
  Result<double> as_number() const;
  Result<bool> as_bool() const;
  // Null: it is something else. Pointers live as long as the value is not changed.
  const std::string* text() const { return std::get_if<std::string>(&value_); }
  const Array* array() const { return std::get_if<Array>(&value_); }
  const Object* object() const { return std::get_if<Object>(&value_); }
  Array* array() { return std::get_if<Array>(&value_); }
  Object* object() { return std::get_if<Object>(&value_); }

  // The member of an object; null: this is no object, or has no such member.
  const JsonValue* find(std::string_view key) const;
  // A member as one type; kInvalid `"port" is missing` or `"port": expected a number, not a text`.
  Result<std::string> text(std::string_view key) const;
  Result<int64_t> integer(std::string_view key) const;
  Result<double> number(std::string_view key) const;
  Result<bool> boolean(std::string_view key) const;
  // The same for members that may be missing or null: then the fallback.
  Result<std::string> text_or(std::string_view key, std::string_view fallback) const;
  Result<int64_t> integer_or(std::string_view key, int64_t fallback) const;
  Result<bool> boolean_or(std::string_view key, bool fallback) const;

  // Adds or replaces a member; a null value becomes an object first, anything else is a broken invariant.
  void set(std::string_view key, JsonValue value);
  void erase(std::string_view key);
  // Adds an element; a null value becomes an array first, anything else is a broken invariant.
  void push_back(JsonValue value);

  bool operator==(const JsonValue& other) const;

 private:
  friend class JsonWriter;
  void set_unsigned(uint64_t number) {
    if (number > static_cast<uint64_t>(INT64_MAX)) {
      value_ = number;
    } else {
      value_ = static_cast<int64_t>(number);
    }
  }
  // uint64_t only where int64_t is too small, so that equal numbers are equal values.
  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array, Object> value_;
};

// `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD; <, >, & and U+2028/9 stay.
void append_json_string(std::string& out, std::string_view text);
// The shortest text that reads back as the same double; null when it is not finite.
void append_json_number(std::string& out, double number);

// Writes JSON text piece by piece; commas and indentation are its business. A call out of place (a value where a key
// must stand, an end without a begin) is a broken invariant. One thread.
class JsonWriter {
 public:
  explicit JsonWriter(int indent = 0) : indent_(indent) {}  // 0: no white space at all

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const JsonValue& tree);
  template <class T>
  requires std::is_arithmetic_v<T> JsonWriter& value(T number) {
    if constexpr (std::is_same_v<T, bool>) {
      return boolean(number);
    } else if constexpr (std::is_floating_point_v<T>) {
      return real(static_cast<double>(number));
    } else if constexpr (std::is_signed_v<T>) {
      return integer(static_cast<int64_t>(number));
    } else {
      return natural(static_cast<uint64_t>(number));
    }
  }
  JsonWriter& null();
  JsonWriter& raw(std::string_view json);  // text that is a JSON value already

  template <class T>
  JsonWriter& member(std::string_view name, const T& v) {
    return key(name).value(v);
  }

  const std::string& text() const { return out_; }
  std::string take();  // the whole text; everything begun must be ended

 private:
  struct Level {
    bool is_object;
    bool is_empty;
  };
  JsonWriter& boolean(bool v);
  JsonWriter& integer(int64_t v);
  JsonWriter& natural(uint64_t v);
  JsonWriter& real(double v);
  void before_value();
  void new_line(size_t depth);
  JsonWriter& end(bool is_object, char bracket);

  std::string out_;
  std::vector<Level> levels_;
  bool after_key_ = false;
  int indent_;
};

// A member that is a time in milliseconds since 1970; 0 stands for none and becomes null.
void write_moment(JsonWriter& json, std::string_view name, int64_t millis);

}  // namespace flume
