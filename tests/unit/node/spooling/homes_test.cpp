// The note of which collector rows of a log were offered to: what it says, and to the next process.
#include "node/spooling/homes.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace flume::node {
namespace {

using Known = Homes::Known;

std::string shown(const std::vector<Homes::Part>& parts) {
  std::string out;
  for (const Homes::Part& part : parts) {
    const std::string known = part.known == Known::kNew ? "new" : part.known == Known::kDone ? "done" : part.host;
    out += known + "[" + std::to_string(part.first) + "," + std::to_string(part.below) + ") ";
  }
  return out;
}

class HomesTest : public testing::Test {
 protected:
  Homes opened(uint64_t released, uint64_t end) {
    Homes homes(path_, clock_);
    EXPECT_TRUE(homes.open(released, end).ok());
    return homes;
  }

  test::TempDir dir_;
  const std::string path_ = Homes::path(dir_.path(), 0);
  ManualClock clock_{1'600'000'000'000};
};

TEST_F(HomesTest, EveryRowIsNewOrOfferedOrDone) {
  Homes homes = opened(0, 0);
  EXPECT_EQ(shown(homes.look_up(0, 10)), "new[0,10) ");
  ASSERT_TRUE(homes.prepare("a").ok());
  homes.offer("a", 0, 6);
  homes.confirm("a", 0, 2);
  homes.offer("b", 6, 8);
  EXPECT_EQ(shown(homes.look_up(0, 10)), "done[0,2) a[2,6) b[6,8) new[8,10) ");
  EXPECT_EQ(shown(homes.look_up(3, 7)), "a[3,6) b[6,7) ");
  EXPECT_TRUE(homes.is_done(0, 2));
  EXPECT_FALSE(homes.is_done(0, 3));
  EXPECT_FALSE(homes.is_done(8, 9));
}

// A process that is killed says nothing at its end: what it noted before it sent has to be enough.
TEST_F(HomesTest, TheNextProcessKnowsWhereRowsMayBe) {
  {
    Homes homes = opened(0, 0);
    ASSERT_TRUE(homes.prepare("a").ok());
    homes.offer("a", 0, 6);
    homes.confirm("a", 0, 2);
    homes.lose("a");
    ASSERT_TRUE(homes.prepare("b").ok());
    homes.offer("b", 6, 8);
  }
  EXPECT_EQ(shown(opened(0, 20).look_up(0, 22)), "done[0,2) a[2,6) b[6,20) new[20,22) ") << "b may have had all";
  EXPECT_EQ(shown(opened(4, 20).look_up(4, 22)), "a[4,6) b[6,20) new[20,22) ") << "noted anew";
}

TEST_F(HomesTest, AHostThatIsKnownToBeAwayGetsNothingThatComesLater) {
  {
    Homes homes = opened(0, 0);
    ASSERT_TRUE(homes.prepare("a").ok());
    homes.offer("a", 0, 6);
    homes.lose("a");
  }
  EXPECT_EQ(shown(opened(0, 20).look_up(0, 20)), "a[0,6) new[6,20) ");
}

// A log that lost its end gives the numbers to other rows.
TEST_F(HomesTest, NumbersBehindTheEndOfTheLogAreForgotten) {
  {
    Homes homes = opened(0, 0);
    ASSERT_TRUE(homes.prepare("a").ok());
    homes.offer("a", 0, 100);
    homes.confirm("a", 0, 90);
    homes.lose("a");
  }
  opened(0, 60);
  EXPECT_EQ(shown(opened(0, 100).look_up(0, 100)), "done[0,60) new[60,100) ");
}

TEST_F(HomesTest, HowLongAHostIsAwayIsKnownAfterARestart) {
  {
    Homes homes = opened(0, 0);
    ASSERT_TRUE(homes.prepare("a").ok());
    homes.offer("a", 0, 6);
    homes.lose("a");
    clock_.advance(std::chrono::minutes(3));
    homes.lose("a");
  }
  clock_.advance(std::chrono::minutes(4));
  EXPECT_EQ(clock_.now() - opened(0, 6).lost_since("a").value(), std::chrono::minutes(7));
}

TEST_F(HomesTest, RowsThatMoveAreTheOthersFromThenOn) {
  {
    Homes homes = opened(0, 0);
    ASSERT_TRUE(homes.prepare("a").ok());
    homes.offer("a", 0, 6);
    homes.lose("a");
    ASSERT_TRUE(homes.move("a", "b").ok());
    EXPECT_EQ(shown(homes.look_up(0, 8)), "b[0,6) new[6,8) ");
  }
  EXPECT_EQ(shown(opened(0, 8).look_up(0, 8)), "b[0,6) new[6,8) ");
}

TEST_F(HomesTest, ANoteThatCannotBeWrittenKeepsRowsFromAnotherHost) {
  Homes homes(dir_ / "gone/homes-0", clock_);
  ASSERT_TRUE(homes.open(0, 0).ok());
  EXPECT_FALSE(homes.prepare("a").ok());
}

TEST_F(HomesTest, ANoteThatIsCutAnywhereIsNoNote) {
  HomesNote note;
  note.top = 100;
  note.current = "collector one:35853";
  note.hosts["b:1"].offered.add(3, 9);
  note.hosts["b:1"].offered.add(20, 30);
  note.hosts["b:1"].lost_millis = 1'600'000'000'000;
  const std::string text = note.text();
  const auto same = HomesNote::parse(text);
  ASSERT_TRUE(same.ok()) << same.status().to_string();
  EXPECT_EQ(*same, note);
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(HomesNote::parse(text.substr(0, length)).ok()) << length;
  }
  for (size_t at = 0; at < text.size(); ++at) {
    std::string flipped = text;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    EXPECT_FALSE(HomesNote::parse(flipped).ok()) << at;
  }
  test::write_file(path_, text.substr(0, 40));
  EXPECT_EQ(shown(opened(0, 10).look_up(0, 10)), "new[0,10) ");
}

TEST_F(HomesTest, TheNoteIsAsItsPageSays) {
  const std::string page = test::contents_of(std::string(FLUME_SOURCE_DIR) + "/docs/formats/wal.md");
  const size_t at = page.find("FLHOMES1\n");
  ASSERT_NE(at, std::string::npos);
  const auto note = HomesNote::parse(std::string_view(page).substr(at, page.find("```", at) - at));
  ASSERT_TRUE(note.ok()) << note.status().to_string();
  EXPECT_EQ(note->top, 500U);
  EXPECT_EQ(note->current, "collector2:35853");
  EXPECT_TRUE(note->hosts.at("collector1:35853").offered.covers(100, 140));
}

}  // namespace
}  // namespace flume::node
