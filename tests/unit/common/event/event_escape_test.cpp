#include "common/event/event_escape.h"

#include <gtest/gtest.h>

#include "tests/support/batches.h"

namespace flume {
namespace {

EscapeExpander expander(const std::string& pattern, EscapeUse use = EscapeUse::kText) {
  return {EscapeTemplate::parse(pattern).value(), TimeZone::utc(), use};
}

std::string path_of(const std::string& pattern, const std::string& value) {
  Event event;
  event.attributes["a"] = value;
  std::string out;
  expander(pattern, EscapeUse::kPath).expand(event, out);
  return out;
}

// A run is what every row of it would give by itself, and it never is empty.
TEST(EventEscape, RunsAreWhatTheirRowsWouldGive) {
  const EventBatch batch = support::mixed_batch();
  for (const char* pattern : {"%{host}", "%{kind}", "%{third}/%{seven}", "%t", "%S", "%M", "%{body}", "%{priority}",
                              "%{nanos}", "x", "%Y-%m-%d/%{none}"}) {
    const EscapeExpander one = expander(pattern);
    std::string of_run;
    std::string of_row;
    for (uint32_t row = 0; row < batch.rows();) {
      const uint32_t run = one.expand_run(batch, row, of_run);
      ASSERT_GE(run, 1U);
      ASSERT_LE(row + run, batch.rows());
      for (uint32_t i = row; i < row + run; ++i) {
        one.expand(batch.event(i), of_row);
        EXPECT_EQ(of_run, of_row) << pattern << " row " << i;
      }
      row += run;
    }
  }
}

TEST(EventEscape, ABatchOfOneMinuteIsOneRun) {
  std::vector<Event> events(100);
  for (size_t i = 0; i < events.size(); ++i) {
    events[i].timestamp = 60'000 + static_cast<int64_t>(i) * 599;
    events[i].host = "h";
  }
  std::string out;
  EXPECT_EQ(expander("%{host}/%Y%m%d-%H%M").expand_run(support::batch_of(events), 0, out), 100U);
  EXPECT_EQ(out, "h/19700101-0001");
  EXPECT_EQ(expander("%S").expand_run(support::batch_of(events), 0, out), 2U);
}

TEST(EventEscape, AMinuteEndsInTheMiddleOfABatch) {
  std::vector<Event> events(4);
  events[2].timestamp = events[3].timestamp = 60'000;
  std::string out;
  EXPECT_EQ(expander("%M").expand_run(support::batch_of(events), 0, out), 2U);
  EXPECT_EQ(out, "00");
  EXPECT_EQ(expander("%M").expand_run(support::batch_of(events), 2, out), 2U);
  EXPECT_EQ(out, "01");
}

TEST(EventEscape, ValuesStayBelowTheFolderOfAPath) {
  EXPECT_EQ(path_of("/d/%{a}/f", "x/y"), "/d/x/y/f");
  EXPECT_EQ(path_of("/d/%{a}/f", ".."), "/d/__/f");
  EXPECT_EQ(path_of("/d/%{a}/f", "."), "/d/_/f");
  EXPECT_EQ(path_of("/d/.%{a}/f", "."), "/d/__/f");
  EXPECT_EQ(path_of("/d/%{a}", "../../etc/passwd"), "/d/__/__/etc/passwd");
  EXPECT_EQ(path_of("/d/%{a}", "..."), "/d/...");
  EXPECT_EQ(path_of("/d/../%{a}", "x"), "/d/../x");  // the user's own
  EXPECT_EQ(path_of("/d/%{a}", std::string("a\0b", 3)), "/d/a_b");
  EXPECT_EQ(path_of("/d/%{a}", std::string(1000, 'x')), "/d/" + std::string(200, 'x'));
}

}  // namespace
}  // namespace flume
