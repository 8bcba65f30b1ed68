// What the classic system's decorators did with the same events (tests/golden/og/decorators.jsonl). Where ours do
// something else on purpose, the case stands in kDifferent with what they do; docs/differences.md says why.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/support/golden.h"
#include "tests/support/sink_rig.h"

namespace flume {
namespace {

// Components of later versions.
const std::set<std::string> kLater = {
    "mult",  "exDate",  "intervalDroppyAppend", "intervalFlakeyAppend", "probSampler", "reservoirSampler",
    "inmem", "bloomGen"};

struct Different {
  std::vector<size_t> forwarded;                  // events that arrived, append by append
  std::map<std::string, std::string> attributes;  // of the event that arrived
};

// By number of the case.
const std::map<std::string, Different> kDifferent = {
    {"s-decorators-6", {{1}, {{"a", ""}}}},                      // regex: a group that took no part is empty
    {"s-decorators-24", {{1}, {{"a", "c"}}}},                    // value: the second replaces what the first set
    {"s-decorators-39", {{1}, {{"a", "1"}}}},                    // select: a name may be given twice
    {"s-decorators-60", {{1}, {{"compressGzip", "not gzip"}}}},  // gunzip: what it cannot unpack passes
    {"s-decorators-61", {{1}, {{"batchSize", std::string("\0\0\0\1", 4)}, {"batchData", "xx"}}}},  // unbatch: the same
};

std::vector<size_t> forwarded_in(const JsonValue& expect) {
  std::vector<size_t> counts;
  for (const JsonValue& count : *expect.find("forwarded_per_append")->array()) {
    counts.push_back(static_cast<size_t>(count.as_unsigned().value()));
  }
  return counts;
}

class DecoratorGolden : public testing::TestWithParam<JsonValue> {
 protected:
  DecoratorGolden() : name_(GetParam().text("id").value()), expect_(*GetParam().find("expect")) {}

  // Appends the events one by one; an append that fails is not repeated, as the classic driver went on.
  void run(node::Sink& sink) {
    ASSERT_TRUE(sink.open(context_, rig_.wait).ok());
    for (const JsonValue& event : *GetParam().find("events")->array()) {
      const size_t before = rig_.kept().size();
      (void)sink.append(rig_.issued({support::golden_event(event)}), rig_.wait);
      forwarded_.push_back(rig_.kept().size() - before);
    }
    ASSERT_TRUE(sink.close(rig_.wait).ok());
  }

  // Time, order and host of events that the decorator makes are its own.
  void expect_events(bool packed) const {
    const std::vector<Event> kept = rig_.kept();
    const auto& out = *expect_.find("out")->array();
    ASSERT_EQ(kept.size(), out.size());
    for (size_t i = 0; i < kept.size(); ++i) {
      Event wanted = support::golden_event(out[i]);
      if (packed) {
        wanted.timestamp = kept[i].timestamp;
        wanted.nanos = kept[i].nanos;
        wanted.host = kept[i].host;
        if (wanted.attributes.contains("AckTag")) {
          wanted.attributes["AckTag"] = kept[i].attributes.at("AckTag");
        }
      }
      EXPECT_EQ(kept[i], wanted) << i;
    }
  }

  const std::string name_;
  const JsonValue& expect_;
  test::SinkRig rig_;
  SystemClock clock_;  // goes on, for delay
  node::LogBook logs_;
  node::Context context_{"n1",
                         "sink",
                         clock_,
                         rig_.world.context.metrics,
                         rig_.world.settings,
                         rig_.world.capabilities,
                         rig_.world.identity,
                         rig_.world.watch,
                         *rig_.world.positions,
                         rig_.world.storage,
                         rig_.world.net,
                         BatchLimits(),
                         logs_,
                         {}};
  std::vector<size_t> forwarded_;
};

TEST_P(DecoratorGolden, DoesWhatTheClassicDid) {
  const support::ScopedZone zone(GetParam().text("tz").value());
  const std::string text = GetParam().text("deco").value();
  std::string error;
  const lang::PlanPtr plan = rig_.plan(text + " keep", &error);
  if (kLater.count(text.substr(0, text.find_first_of(" ("))) != 0) {
    EXPECT_EQ(plan, nullptr) << "no longer missing: take it from kLater";
    return;
  }
  ASSERT_NE(plan, nullptr) << error;
  const auto sink = node::Build(rig_.registry).sink(plan);
  ASSERT_NO_FATAL_FAILURE(run(*sink));
  const auto different = kDifferent.find(name_);
  if (different != kDifferent.end()) {
    EXPECT_EQ(forwarded_, different->second.forwarded);
    Event wanted = support::golden_event((*GetParam().find("events")->array())[0]);
    wanted.attributes.insert(different->second.attributes.begin(), different->second.attributes.end());
    if (name_ == "s-decorators-39") {
      wanted.attributes.erase("b");
      wanted.attributes.erase("c");
    }
    EXPECT_EQ(rig_.kept(), std::vector<Event>{wanted});
    return;
  }
  EXPECT_EQ(forwarded_, forwarded_in(expect_));
  expect_events(GetParam().find("ignore") != nullptr);
}

INSTANTIATE_TEST_SUITE_P(Classic, DecoratorGolden, testing::ValuesIn(support::golden_cases("decorators", "deco")),
                         [](const testing::TestParamInfo<JsonValue>& one) {
                           return "case" + one.param.text("id").value().substr(13);
                         });

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): gtest's name
void PrintTo(const JsonValue& value, std::ostream* out) { *out << value.text_or("deco", "").value(); }

}  // namespace flume
