#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/event/format_reader.h"
#include "tests/support/storing_rig.h"

namespace flume::node {

void register_sink_dfs(Registry& registry);
void register_sink_collector_sink(Registry& registry);
void register_compose_roll(Registry& registry);
void register_decorator_ack_framing(Registry& registry);
void register_decorator_batch(Registry& registry);
void register_decorator_gzip(Registry& registry);

namespace {

using namespace std::chrono_literals;
using test::format_value;
using test::StoringRig;

void register_all(Registry& registry) {
  register_sink_dfs(registry);
  register_sink_collector_sink(registry);
  register_compose_roll(registry);
  register_decorator_ack_framing(registry);
  register_decorator_batch(registry);
  register_decorator_gzip(registry);
}

class CollectorSink : public ::testing::Test {
 protected:
  std::unique_ptr<Sink> sink(const test::GivenArgs& more) {
    test::GivenArgs args = {{"dir", {rig_.dir / "d/%{host}"}}, {"prefix", {std::string("web-")}}};
    args.insert(args.end(), more.begin(), more.end());
    auto sink = rig_.make_sink("collectorSink", args);
    const Status status = rig_.open(*sink);
    EXPECT_TRUE(status.ok()) << status.to_string();
    return sink;
  }
  static void append(Sink& sink, const EventBatch& batch) {
    const AppendResult result = sink.append(batch, StoringRig::wait());
    EXPECT_TRUE(result.status.ok()) << result.status.to_string();
  }
  // Names in the folder of host h1, sorted; each with the contents.
  std::map<std::string, std::string> files() {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(rig_.dir / "d/h1")) {
      found[entry.path().filename().string()] = test::contents_of(entry.path().string());
    }
    return found;
  }
  StoringRig rig_{register_all};
};

TEST_F(CollectorSink, WritesNewFilesEachPeriod) {
  const auto sink = this->sink({{"rollmillis", {int64_t{60} * 1'000'000'000}}, {"format", {format_value("raw")}}});
  append(*sink, rig_.lines("one\n"));
  ASSERT_TRUE(rig_.pass(*sink, 30s).ok());
  append(*sink, rig_.lines("two\n"));
  ASSERT_EQ(files().size(), 1U);
  EXPECT_TRUE(files().begin()->first.ends_with(".tmp"));
  ASSERT_TRUE(rig_.pass(*sink, 31s).ok());
  append(*sink, rig_.lines("three\n"));
  ASSERT_TRUE(sink->close(StoringRig::wait()).ok());
  std::vector<std::string> contents;
  for (const auto& [name, text] : files()) {
    EXPECT_THAT(name, ::testing::MatchesRegex("web-[0-9]+-[0-9]+[+-][0-9]+\\.[0-9]+\\.[0-9]+"));
    contents.push_back(text);
  }
  EXPECT_THAT(contents, ::testing::ElementsAre("one\ntwo\n", "three\n"));
  EXPECT_EQ(rig_.settled(), 3U);
}

TEST_F(CollectorSink, WritesTheFormatOfTheSettingsWithThePeriodsNameInIt) {
  const auto sink = this->sink({});
  append(*sink, rig_.lines("one\n"));
  ASSERT_TRUE(sink->close(StoringRig::wait()).ok());
  const auto [name, text] = *files().begin();
  const auto event = read_event_line(ReplayFormat::kAvroJson, text, {});
  ASSERT_TRUE(event.ok()) << event.status().to_string();
  EXPECT_EQ(event->body, "one");
  EXPECT_EQ("web-" + event->attributes.at("rolltag"), name);
}

TEST_F(CollectorSink, APeriodWithoutEventsWritesNothing) {
  const auto sink = this->sink({});
  ASSERT_TRUE(rig_.pass(*sink, 1h).ok());
  ASSERT_TRUE(sink->close(StoringRig::wait()).ok());
  EXPECT_FALSE(std::filesystem::exists(rig_.dir / "d"));
}

}  // namespace
}  // namespace flume::node
