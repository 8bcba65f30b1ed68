#include "common/event/syslog_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace flume {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(ParseSyslog, TakesFacilitySeverityAndTheUntouchedText) {
  const auto record = parse_syslog("<13>This is a test");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->facility, 1);
  EXPECT_EQ(record->severity, 5);
  EXPECT_EQ(record->body, "This is a test");
  EXPECT_EQ(parse_syslog("<0>")->body, "");
  EXPECT_EQ(parse_syslog("<191>x")->facility, 23);
  EXPECT_EQ(parse_syslog("<191>x")->severity, 7);
  EXPECT_EQ(parse_syslog("<34>Oct 11 22:14:15 host su: no")->body, "Oct 11 22:14:15 host su: no");
}

TEST(ParseSyslog, RefusesWhatIsNoSyslog) {
  for (const char* text :
       {"", "<", "x", "13>x", "<>x", "<x>y", "<-1>x", "<+1>x", "<192>x", "<1000>x", "<13", " <13>x"}) {
    EXPECT_FALSE(parse_syslog(text)) << text;
  }
}

TEST(ParseSyslog, SeverityGivesThePriority) {
  std::vector<Priority> all;
  for (uint8_t severity = 0; severity < 8; ++severity) {
    all.push_back(priority_of_severity(severity));
  }
  EXPECT_THAT(all, ElementsAre(Priority::kFatal, Priority::kFatal, Priority::kFatal, Priority::kError, Priority::kWarn,
                               Priority::kInfo, Priority::kInfo, Priority::kDebug));
}

std::vector<std::pair<std::string, uint64_t>> framed(std::string_view bytes, size_t piece, size_t limit = 10) {
  std::vector<std::pair<std::string, uint64_t>> all;
  SyslogFramer framer(limit);
  const auto note = [&](std::string_view record, uint64_t cut) { all.emplace_back(record, cut); };
  for (size_t at = 0; at < bytes.size(); at += piece) {
    framer.feed(bytes.substr(at, piece), note);
  }
  framer.finish(note);
  return all;
}

TEST(SyslogFramer, CutsAtNewlinesHoweverTheBytesCome) {
  for (size_t piece = 1; piece < 20; ++piece) {
    EXPECT_THAT(framed("one\n\ntwo\r\nlast", piece),
                ElementsAre(Pair("one", 0U), Pair("", 0U), Pair("two\r", 0U), Pair("last", 0U)));
  }
}

TEST(SyslogFramer, KeepsTheStartOfALongRecordAndCountsTheRest) {
  for (size_t piece = 1; piece < 40; ++piece) {
    EXPECT_THAT(framed("0123456789\n0123456789abc\nx\n", piece),
                ElementsAre(Pair("0123456789", 0U), Pair("0123456789", 3U), Pair("x", 0U)));
  }
}

}  // namespace
}  // namespace flume
