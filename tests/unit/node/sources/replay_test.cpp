#include <gtest/gtest.h>

#include "common/event/format.h"
#include "tests/support/batches.h"
#include "tests/support/golden.h"
#include "tests/support/source_rig.h"

namespace flume::node {

void register_source_replay(Registry& registry);

namespace {

std::string written(const char* format, const std::vector<Event>& events) {
  std::string out;
  const auto writer = make_format(format, {}).value();
  for (const Event& event : events) {
    writer->append(event, out);
  }
  return out;
}

Event event_of(std::string body) {
  Event event;
  event.body = std::move(body);
  return event;
}

// Every byte in bodies and values, every priority, extreme numbers, texts that JSON escapes.
std::vector<Event> awkward_events() {
  std::vector<Event> events = support::mixed_events();
  Event event;
  for (int byte = 0; byte < 256; ++byte) {
    event.body.push_back(static_cast<char>(byte));
  }
  event.attributes["all"] = event.body;
  event.attributes["\"quoted\\\" \xE2\x82\xAC"] = "";
  event.host = "h\xC3\xB6st";
  event.timestamp = INT64_MIN;
  event.nanos = INT64_MAX;
  event.priority = Priority::kTrace;
  events.push_back(event);
  events.push_back(event_of(""));
  events.back().timestamp = -1;
  return events;
}

class Replay : public ::testing::Test {
 protected:
  std::unique_ptr<Source> source(const std::string& contents, const std::string& format = "avrojson") {
    test::write_file(rig_.dir / "in", contents);
    auto source = rig_.make("replay", {{"file", {rig_.dir / "in"}}, {"format", {format}}});
    const Status status = rig_.open(*source);
    EXPECT_TRUE(status.ok()) << status.to_string();
    return source;
  }
  test::SourceRig rig_{register_source_replay};
};

TEST_F(Replay, WhatAvrojsonWroteComesBackExactly) {
  const auto events = awkward_events();
  EXPECT_EQ(rig_.events(*source(written("avrojson", events))), events);
}

TEST_F(Replay, WhatJsonWroteComesBackExactlyWhereItIsText) {
  std::vector<Event> events = awkward_events();
  for (Event& event : events) {
    event.attributes.erase("third");
    event.attributes.erase("all");
    event.body = "text \xE2\x82\xAC \xF0\x9F\x98\x80 \t\"\\";
  }
  EXPECT_EQ(rig_.events(*source(written("json", events), "json")), events);
}

TEST_F(Replay, FilesOfTheClassicSystemAreRead) {
  const auto events = rig_.events(*source(support::golden_file("collected.avrojson")));
  ASSERT_EQ(events.size(), 6U);
  EXPECT_EQ(events[0].body, "first line");
  EXPECT_EQ(events[0].attributes.at("color"), "blue");
  EXPECT_EQ(events[0].attributes.at("AckChecksum"), std::string("\0\0\0\0]d|\xDC", 8));
}

TEST_F(Replay, ALastLineWithoutItsEndIsAnEvent) {
  const std::string line = written("avrojson", {event_of("x")});
  EXPECT_EQ(rig_.bodies(*source(line + line.substr(0, line.size() - 1))).size(), 2U);
}

TEST_F(Replay, LinesThatAreNoEventsAreCountedAndLeftOut) {
  const std::string good = written("avrojson", {event_of("good")});
  const auto from = source("no json\n" + good + "\n  \n{\"body\":\"x\"}\n" + good + "{\"body\":\"torn");
  EXPECT_EQ(rig_.bodies(*from), (std::vector<std::string>{"good", "good"}));
  EXPECT_EQ(rig_.count("flume_lines_unreadable_total"), 3U);
}

TEST_F(Replay, ALineOverTheLimitIsLeftOutWithoutBeingKept) {
  rig_.limits.event_bytes = 1000;
  rig_.reopen_positions();
  const std::string good = written("avrojson", {event_of("good")});
  const std::string bad = written("avrojson", {event_of(std::string(2'000'000, 'x'))});
  const std::string over = written("avrojson", {event_of(std::string(1001, 'x'))});
  const auto from = source(good + bad + over + good + bad.substr(0, bad.size() - 1));
  EXPECT_EQ(rig_.bodies(*from), (std::vector<std::string>{"good", "good"}));
  EXPECT_EQ(rig_.count("flume_lines_unreadable_total"), 3U);
}

TEST_F(Replay, TellsItsEndOnceEverythingIsRead) {
  const auto from = source("nonsense\n");
  EventBatch batch;
  EXPECT_EQ(*from->next(batch, Wait{}), Source::Next::kEnd);
  EXPECT_EQ(*from->next(batch, Wait{}), Source::Next::kEnd);
  EXPECT_EQ(from->trackers()[0]->settled(), 9U);
}

// Large enough for several batches.
TEST_F(Replay, GoesBackToWhatWasNotDelivered) {
  std::vector<Event> events;
  for (int i = 0; i < 40; ++i) {
    events.push_back(event_of(std::to_string(i) + std::string(20'000, 'x')));
  }
  const auto from = source(written("avrojson", events));
  std::vector<EventBatch> batches = rig_.batches(*from);
  ASSERT_GT(batches.size(), 2U);
  batches[0].settle(Outcome::kDelivered);
  batches[1].settle(Outcome::kNotDelivered);
  batches[2].settle(Outcome::kDelivered);
  ASSERT_TRUE(*from->rewind());
  const std::vector<EventBatch> again = rig_.batches(*from);
  EXPECT_EQ(again[0].origin().position, batches[1].origin().position);
  EXPECT_EQ(again[0].origin().stream, batches[1].origin().stream);
  std::vector<std::string> bodies;
  for (const EventBatch& batch : again) {
    for (const Event& event : support::events_of(batch)) {
      bodies.push_back(event.body);
    }
  }
  ASSERT_EQ(bodies.size(), events.size() - batches[0].rows());
  EXPECT_EQ(bodies[0], events[batches[0].rows()].body);
}

TEST_F(Replay, WhatCannotBeReadIsSaid) {
  const auto missing = rig_.make("replay", {{"file", {rig_.dir / "none"}}});
  EXPECT_EQ(rig_.open(*missing).to_string(),
            "not_found: open \"" + rig_.dir.path() + "/none\": No such file or directory (ENOENT)");
  const auto folder = rig_.make("replay", {{"file", {rig_.dir.path()}}});
  EXPECT_EQ(rig_.open(*folder).to_string(), "invalid: open \"" + rig_.dir.path() + "\": Is a directory (EISDIR)");
}

}  // namespace
}  // namespace flume::node
