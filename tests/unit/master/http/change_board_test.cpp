#include "master/http/change_board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/thread.h"

namespace flume::master {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(ChangeBoard, AnUnknownWordIsAnsweredAtOnceWithEverything) {
  const ChangeBoard board;
  for (const char* const since : {"", "nonsense", "ffffffffffff-1"}) {
    EXPECT_THAT(board.wait(since, Wait{}).parts, SizeIs(kChangedParts)) << since;
  }
}

TEST(ChangeBoard, SaysWhatChangedSinceTheWord) {
  ChangeBoard board;
  const std::string first = board.word();
  board.touch({ChangedPart::kCommands});
  board.touch({ChangedPart::kNodes, ChangedPart::kCommands});
  const std::string second = board.word();
  EXPECT_THAT(board.wait(first, Wait{}).parts, ElementsAre(ChangedPart::kNodes, ChangedPart::kCommands));
  EXPECT_EQ(board.wait(first, Wait{}).word, second);
}

TEST(ChangeBoard, AWaitForNothingEndsWithItsDeadline) {
  const ChangeBoard board;
  const auto news = board.wait(board.word(), Wait::for_duration(std::chrono::milliseconds(1)));
  EXPECT_THAT(news.parts, IsEmpty());
  EXPECT_EQ(news.word, board.word());
}

TEST(ChangeBoard, WakesWhoWaits) {
  ChangeBoard board;
  ChangeBoard::News news;
  const std::string word = board.word();
  Thread waiter("waiter", [&] { news = board.wait(word, Wait{}); });
  board.touch({ChangedPart::kConfigs});
  waiter.join();
  EXPECT_THAT(news.parts, ElementsAre(ChangedPart::kConfigs));
}

}  // namespace
}  // namespace flume::master
