#include "common/json/json.h"

#include <gtest/gtest.h>

#include <limits>

#include "common/base/text.h"

namespace flume {
namespace {

JsonValue parsed(std::string_view text) {
  auto value = JsonValue::parse(text);
  EXPECT_TRUE(value.ok()) << value.status().to_string();
  return value.ok() ? *value : JsonValue();
}

std::string error_of(std::string_view text, const JsonLimits& limits = {}) {
  return JsonValue::parse(text, limits).status().to_string();
}

TEST(Json, ReadsEveryKindOfValue) {
  const JsonValue v =
      parsed(R"({"t":"a\u00e9\n","i":-5,"u":18446744073709551615,"d":1.5,"b":true,"n":null,"a":[1,[2]]})");
  EXPECT_EQ(*v.text("t"), "a\xC3\xA9\n");
  EXPECT_EQ(*v.integer("i"), -5);
  EXPECT_EQ(*v.find("u")->as_unsigned(), UINT64_MAX);
  EXPECT_EQ(*v.number("d"), 1.5);
  EXPECT_TRUE(*v.boolean("b"));
  EXPECT_TRUE(v.find("n")->is_null());
  EXPECT_EQ(v.find("a")->array()->size(), 2U);
  EXPECT_EQ(v.find("x"), nullptr);
}

TEST(Json, WritesWhatItReadInTheSameOrder) {
  const std::string text = R"({"z":[1,-2,3.25,18446744073709551615],"a":{"":null,"q":"\"\\/\u0001"},"e":[],"o":{}})";
  EXPECT_EQ(parsed(text).to_json(), text);
}

TEST(Json, ErrorsNameTheMemberAndWhatWasThere) {
  const JsonValue v = parsed(R"({"port":"x","n":1.5})");
  EXPECT_EQ(v.integer("port").status().to_string(), R"(invalid: "port": expected an integer, not a text)");
  EXPECT_EQ(v.integer("n").status().to_string(), R"(invalid: "n": expected an integer of 64 bits, not 1.5)");
  EXPECT_EQ(v.text("host").status().to_string(), R"(invalid: "host" is missing)");
  EXPECT_EQ(parsed("[1]").text("host").status().to_string(), "invalid: expected an object, not an array");
  EXPECT_EQ(*v.text_or("host", "here"), "here");
  EXPECT_EQ(v.text_or("n", "").status().to_string(), R"(invalid: "n": expected a text, not a number)");
}

TEST(Json, ParseErrorsSayWhere) {
  EXPECT_EQ(error_of(R"({"a":1,})"), "invalid: read JSON: at byte 7: Missing a name for object member.");
  EXPECT_EQ(error_of(""), "invalid: read JSON: at byte 0: The document is empty.");
  EXPECT_EQ(error_of("1 2"), "invalid: read JSON: at byte 2: The document root must not be followed by other values.");
  EXPECT_EQ(error_of(R"({"a":1,"a":2})"), R"(invalid: read JSON: at byte 12: the key "a" is there twice)");
  EXPECT_EQ(error_of("\"\xFF\""), "invalid: read JSON: at byte 3: a text is not valid UTF-8");
  EXPECT_EQ(error_of("[1e999]"), "invalid: read JSON: at byte 1: Number too big to be stored in double.");
  EXPECT_EQ(error_of("[1e-999]"), "invalid: read JSON: at byte 1: a number is too large or too small");
  EXPECT_FALSE(JsonValue::parse("NaN").ok());
  EXPECT_EQ(error_of(std::string_view("1\0 2", 4)), "invalid: read JSON: at byte 1: a zero byte");
}

TEST(Json, NumbersAreReadExactly) {
  EXPECT_EQ(*parsed("18446744073709551615").as_unsigned(), UINT64_MAX);
  EXPECT_EQ(*parsed("-9223372036854775808").as_integer(), INT64_MIN);
  EXPECT_EQ(*parsed("18446744073709551616").as_number(), 18446744073709551616.0);
  EXPECT_EQ(*parsed("0.1").as_number(), 0.1);
  EXPECT_EQ(*parsed("123e-2").as_number(), 1.23);
  EXPECT_EQ(*parsed("0e-93").as_number(), 0.0);  // undefined behaviour in RapidJSON's own conversion
  EXPECT_EQ(*parsed("0e077").as_number(), 0.0);
}

TEST(Json, LimitsHold) {
  EXPECT_EQ(error_of("[[[1]]]", {.depth = 2}), "no_space: read JSON: at byte 2: nested deeper than 2");
  EXPECT_EQ(error_of("12345", {.bytes = 4}), "no_space: read JSON: 5 bytes, more than the limit of 4");
  EXPECT_FALSE(JsonValue::parse(std::string(1 << 20, '[')).ok());
  EXPECT_EQ(*JsonValue::parse("\"\xFF\"", {.validate_utf8 = false})->text(), "\xFF");
}

TEST(Json, EveryCutOfATextIsRefused) {
  const std::string text = R"({"a":[1,2,{"b":"c\u0041"}],"d":null})";
  for (size_t n = 0; n < text.size(); ++n) {
    EXPECT_FALSE(JsonValue::parse(text.substr(0, n)).ok()) << n;
  }
}

TEST(Json, EditsKeepTheRest) {
  JsonValue v = parsed(R"({"a":1,"b":2,"c":3})");
  v.set("b", "two");
  v.set("d", JsonValue::Array{1, 2});
  v.erase("a");
  EXPECT_EQ(v.to_json(), R"({"b":"two","c":3,"d":[1,2]})");
}

TEST(JsonWriter, BadUtf8BecomesTheReplacementCharacter) {
  EXPECT_EQ(JsonWriter().value("a\xFF\xC3\xA9\xC3").take(), "\"a\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\"");
  EXPECT_EQ(JsonWriter().value(std::string_view("\0\x1f\b", 3)).take(), R"("\u0000\u001F\b")");
}

TEST(JsonWriter, DoublesStayDoublesAndFinite) {
  JsonWriter w;
  w.begin_array().value(1.0).value(0.1).value(std::numeric_limits<double>::infinity()).value(1e300).end_array();
  EXPECT_EQ(w.take(), "[1.0,0.1,null,1e+300]");
}

TEST(JsonWriter, IndentsWhenAsked) {
  JsonWriter w(2);
  w.begin_object().member("a", 1).key("b").begin_array().value(true).end_array().key("c").begin_object().end_object();
  w.end_object();
  EXPECT_EQ(w.take(), "{\n  \"a\": 1,\n  \"b\": [\n    true\n  ],\n  \"c\": {}\n}");
}

TEST(JsonWriter, ACallOutOfPlaceIsABug) {
  EXPECT_DEATH(JsonWriter().begin_object().value(1), "a member needs its key first");
  EXPECT_DEATH(JsonWriter().begin_object().end_array(), "an end without its begin");
}

}  // namespace
}  // namespace flume
