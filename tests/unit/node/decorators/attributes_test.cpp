// Decorators that set, remove or compute attributes and bodies.
#include <gtest/gtest.h>

#include "tests/support/sink_rig.h"

namespace flume::node {
namespace {

class Attributes : public testing::Test, protected test::SinkRig {
 protected:
  // What comes out of the decorators for one event.
  Event through(const std::string& decorators, const Event& event) {
    const auto sink = build(decorators + " keep");
    EXPECT_TRUE(open(*sink).ok());
    below->taken.clear();
    EXPECT_EQ(sink->append(issued({event}), wait).taken, 1U);
    EXPECT_TRUE(sink->close(wait).ok());
    EXPECT_EQ(kept().size(), 1U);
    return kept().empty() ? Event() : kept()[0];
  }
  std::optional<std::string> attribute(const std::string& decorators, const std::string& body,
                                       const std::string& name) {
    const Event out = through(decorators, event(body));
    EXPECT_EQ(out.body, body);
    const auto found = out.attributes.find(name);
    return found == out.attributes.end() ? std::nullopt : std::optional(found->second);
  }
  static Event event(const std::string& body) {
    Event event;
    event.timestamp = 1'600'000'000'000;
    event.host = "web1";
    event.body = body;
    event.attributes = {{"a", "1"}, {"b", "2"}, {"c", ""}};
    return event;
  }
  std::string refusal(const std::string& text) const {
    std::string error;
    EXPECT_EQ(plan(text, &error), nullptr) << text;
    return error;
  }
};

TEST_F(Attributes, ValueSetsAndReplaces) {
  EXPECT_EQ(attribute(R"(value("service", "web"))", "x", "service"), "web");
  EXPECT_EQ(attribute(R"(value("a", "new"))", "x", "a"), "new");
  EXPECT_EQ(attribute(R"(value("e", ""))", "x", "e"), "");
  EXPECT_EQ(attribute(R"(value("e", "%{host}/%{body}"))", "x", "e"), "%{host}/%{body}");
  EXPECT_EQ(attribute(R"(value("e", "%{host}/%{body}", escape=true))", "x", "e"), "web1/x");
}

TEST_F(Attributes, ValueIsFilledInFromEachEvent) {
  const auto sink = build(R"(value("e", "%{k}", escape=true) keep)");
  ASSERT_TRUE(open(*sink).ok());
  const std::vector<Event> events = test::numbered_events(30);
  ASSERT_EQ(sink->append(issued(events), wait).taken, 30U);
  for (size_t i = 0; i < events.size(); ++i) {
    const auto k = events[i].attributes.find("k");
    EXPECT_EQ(kept()[i].attributes.at("e"), k == events[i].attributes.end() ? "" : k->second) << i;
  }
}

TEST_F(Attributes, MaskRemovesAndSelectKeeps) {
  using Map = decltype(Event::attributes);
  EXPECT_EQ(through(R"(mask("a", "c", "absent"))", event("x")).attributes, (Map{{"b", "2"}}));
  EXPECT_EQ(through(R"(select("a", "c", "absent", "a"))", event("x")).attributes, (Map{{"a", "1"}, {"c", ""}}));
  EXPECT_EQ(through(R"(select("absent"))", event("x")).attributes, Map());
  EXPECT_NE(refusal("mask keep").find("mask"), std::string::npos);
}

TEST_F(Attributes, FormatMakesANewBodyAndKeepsTheRest) {
  Event wanted = event("x");
  wanted.body = "web1: x\n1";
  EXPECT_EQ(through(R"(format("%{host}: %{body}\n%{a}"))", event("x")), wanted);
}

TEST_F(Attributes, RegexTakesAGroup) {
  EXPECT_EQ(attribute(R"x(regex("status=([0-9]+)", 1, "s"))x", "a status=404 b", "s"), "404");
  EXPECT_EQ(attribute(R"x(regex("status=([0-9]+)", 0, "s"))x", "a status=404 b", "s"), "status=404");
  EXPECT_EQ(attribute(R"x(regex("status=([0-9]+)", 1, "s"))x", "nothing", "s"), "");
  EXPECT_EQ(attribute(R"x(regex("status=([0-9]+)", 7, "s"))x", "status=404", "s"), "");
  EXPECT_EQ(attribute(R"x(regex("(x)?1", 1, "s"))x", "1", "s"), "");
  EXPECT_EQ(attribute(R"x(regex("é(.)", 1, "s"))x", "aéß", "s"), "ß");
  EXPECT_NE(refusal(R"x(regex("(?=a)", 0, "s") keep)x").find("look-ahead"), std::string::npos);
}

TEST_F(Attributes, RegexAllTakesGroupsInOrder) {
  const std::string all = R"x(regexAll("([a-z]+)=([0-9]+)(!)?", "key", "", "bang"))x";
  EXPECT_EQ(attribute(all, "n=5!", "key"), "n");
  EXPECT_EQ(attribute(all, "n=5!", "bang"), "!");
  EXPECT_EQ(attribute(all, "n=5", "bang"), std::nullopt);
  EXPECT_EQ(attribute(all, "none", "key"), std::nullopt);
  EXPECT_EQ(attribute(R"x(regexAll("(z)", "a"))x", "none", "a"), "1");  // stays as it is
}

TEST_F(Attributes, SplitTakesAPiece) {
  EXPECT_EQ(attribute(R"(split(":", 1, "s"))", "root:x:0", "s"), "x");
  EXPECT_EQ(attribute(R"(split(":", 9, "s"))", "root:x:0", "s"), "");
  EXPECT_EQ(attribute(R"(split("\\s+", 2, "s"))", "a  b\tc", "s"), "c");
}

TEST_F(Attributes, DigestIsThatOfTheBody) {
  EXPECT_EQ(attribute(R"(digest("MD5", "d", base64=true))", "", "d"), "1B2M2Y8AsgTpgAmY7PhCfg==");
  EXPECT_EQ(attribute(R"(digest("SHA-256", "d", base64=true))", "abc", "d"),
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  EXPECT_EQ(attribute(R"(digest("SHA-1", "d"))", "abc", "d")->size(), 20U);
  EXPECT_NE(refusal(R"(digest("MD6", "d") keep)").find("MD5"), std::string::npos);
}

TEST_F(Attributes, WhatComesBackFromBelowIsReadAgainAndNotChangedTwice) {
  below->settles = false;
  const auto sink = build(R"(format("<%{body}>") keep)");
  ASSERT_TRUE(open(*sink).ok());
  ASSERT_EQ(sink->append(issued({event("x")}), wait).taken, 1U);
  EXPECT_TRUE(sink->take_back().empty());
  EXPECT_EQ(tracker->first_failed(), 0U);
}

}  // namespace
}  // namespace flume::node
