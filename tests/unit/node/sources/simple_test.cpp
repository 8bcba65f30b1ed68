// The sources that need nothing but themselves: null, text, stdin and console, the synth family.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "tests/support/source_rig.h"

namespace flume::node {

void register_source_null(Registry& registry);
void register_source_stdin(Registry& registry);
void register_source_synth(Registry& registry);
void register_source_text(Registry& registry);

namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

void register_all(Registry& registry) {
  register_source_null(registry);
  register_source_stdin(registry);
  register_source_synth(registry);
  register_source_text(registry);
}

class SimpleSourceTest : public testing::Test {
 protected:
  void start(const std::string& name, const test::GivenArgs& args = {}) {
    source_ = rig_.make(name, args);
    const Status status = rig_.open(*source_);
    ASSERT_TRUE(status.ok()) << status.to_string();
  }
  Source::Next last() {
    EventBatch batch;
    const auto got = source_->next(batch, Wait::for_duration(60s));
    EXPECT_TRUE(got.ok()) << got.status().to_string();
    return got.ok() ? *got : Source::Next::kNothingYet;
  }
  std::vector<std::string> bodies() { return rig_.bodies(*source_); }
  void given(const std::string& contents) { test::write_file(file_, contents); }
  void start_text() { start("text", {{"file", {file_}}}); }

  test::SourceRig rig_{register_all};
  const std::string file_ = rig_.dir / "file";
  std::unique_ptr<Source> source_;
};

TEST_F(SimpleSourceTest, Null_IsAtItsEndAtOnce) {
  start("null");
  EXPECT_EQ(last(), Source::Next::kEnd);
}

// ---- text

TEST_F(SimpleSourceTest, Text_GivesTheLinesHoweverTheyEnd) {
  given("unix\ndos\r\nmac\rempty\n\nlast");
  start_text();
  EXPECT_THAT(bodies(), ElementsAre("unix", "dos", "mac", "empty", "", "last"));
  EXPECT_EQ(last(), Source::Next::kEnd);
}

TEST_F(SimpleSourceTest, Text_KeepsBytesThatAreNoText) {
  const std::string bytes("\0\xff\xfe\x80 b\xc3\xa4h", 10);
  given(bytes + "\n");
  start_text();
  EXPECT_THAT(bodies(), ElementsAre(bytes));
}

TEST_F(SimpleSourceTest, Text_OfAnEmptyFileIsNoEvent) {
  given("");
  start_text();
  EXPECT_EQ(last(), Source::Next::kEnd);
}

TEST_F(SimpleSourceTest, Text_CutsALongLineIntoPieces) {
  rig_.limits.event_bytes = 10;
  rig_.reopen_positions();
  given("a\n" + std::string(25, 'x') + "\nb\n");
  start_text();
  const std::string ten(10, 'x');
  EXPECT_THAT(bodies(), ElementsAre("a", ten, ten, "xxxxx", "b"));
}

TEST_F(SimpleSourceTest, Text_SaysWhatIsWrongWithTheFile) {
  const auto error = [this](const std::string& file) {
    return rig_.open(*rig_.make("text", {{"file", {file}}})).to_string();
  };
  EXPECT_EQ(error(file_), "not_found: open \"" + file_ + "\": No such file or directory (ENOENT)");
  EXPECT_EQ(error(rig_.dir.path()), "invalid: open \"" + rig_.dir.path() + "\": Is a directory (EISDIR)");
}

TEST_F(SimpleSourceTest, Text_GoesBackToTheFirstUnsettledRow) {
  for (const std::string end : {"\n", "\r\n"}) {
    given("1" + end);
    start_text();
    const auto first = rig_.batches(*source_);
    ASSERT_THAT(first, SizeIs(1));
    first[0].settle(Outcome::kNotDelivered);
    ASSERT_TRUE(source_->rewind().ok());
    EXPECT_THAT(bodies(), ElementsAre("1"));
    EXPECT_THAT(bodies(), IsEmpty());
  }
}

TEST_F(SimpleSourceTest, Text_OpenedAgainBeginsAnew) {
  given("1\n");
  start_text();
  EXPECT_THAT(bodies(), ElementsAre("1"));
  ASSERT_TRUE(source_->close({}).ok());
  ASSERT_TRUE(rig_.open(*source_).ok());
  EXPECT_THAT(bodies(), ElementsAre("1"));
}

// ---- stdin, console

// Standard input of the test, for as long as it lives.
class StandardInput {
 public:
  StandardInput() : saved_(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) {
    int fds[2] = {-1, -1};
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    ::dup2(fds[0], STDIN_FILENO);
    ::close(fds[0]);
    write_.reset(fds[1]);
  }
  ~StandardInput() { ::dup2(saved_.fd(), STDIN_FILENO); }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

  void type(std::string_view text) const {
    EXPECT_EQ(::write(write_.fd(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void end() { write_.reset(); }

 private:
  UniqueFd saved_;
  UniqueFd write_;
};

TEST_F(SimpleSourceTest, Stdin_GivesLinesAsTheyComeAndEndsWithTheInput) {
  for (const char* name : {"stdin", "console"}) {
    StandardInput input;
    start(name);
    input.type("one\ntw");
    EXPECT_THAT(bodies(), ElementsAre("one"));
    input.type("o\nlast");
    EXPECT_THAT(bodies(), ElementsAre("two"));
    input.end();
    EXPECT_THAT(bodies(), ElementsAre("last"));
    EXPECT_EQ(last(), Source::Next::kEnd);
    EXPECT_TRUE(source_->close({}).ok());
    EXPECT_NE(::fcntl(STDIN_FILENO, F_GETFD), -1);  // it is not the source's to close
  }
}

TEST_F(SimpleSourceTest, Stdin_CannotGoBack) {
  StandardInput input;
  start("stdin");
  const auto went_back = source_->rewind();
  ASSERT_TRUE(went_back.ok());
  EXPECT_FALSE(*went_back);
}

// ---- the synth family

test::GivenArgs sized(int64_t count, int64_t size) { return {{"count", {count}}, {"size", {size}}}; }

TEST_F(SimpleSourceTest, Synth_GivesAsManyAsAskedForOfThatSize) {
  for (const char* name : {"synth", "asciisynth", "nonlsynth"}) {
    start(name, sized(1000, 37));
    const auto all = bodies();
    EXPECT_THAT(all, SizeIs(1000)) << name;
    EXPECT_THAT(all, Each(SizeIs(37))) << name;
    EXPECT_GT(std::set<std::string>(all.begin(), all.end()).size(), 990U) << name;
    EXPECT_EQ(last(), Source::Next::kEnd) << name;
  }
}

TEST_F(SimpleSourceTest, Synth_RepeatsItselfWhenOpenedAgain) {
  start("synth", sized(10, 50));
  const auto first = bodies();
  ASSERT_TRUE(source_->close({}).ok());
  ASSERT_TRUE(rig_.open(*source_).ok());
  EXPECT_EQ(bodies(), first);
}

TEST_F(SimpleSourceTest, Synth_KeepsToItsAlphabet) {
  const auto all_of = [this](const char* name) {
    start(name, sized(1000, 100));
    std::string text;
    for (const std::string& body : bodies()) {
      text += body;
    }
    return text;
  };
  const std::string any = all_of("synth");
  EXPECT_NE(any.find('\n'), std::string::npos);
  EXPECT_NE(any.find('\0'), std::string::npos);
  const std::string no_newline = all_of("nonlsynth");
  EXPECT_EQ(no_newline.find('\n'), std::string::npos);
  EXPECT_NE(no_newline.find('\0'), std::string::npos);
  const std::string ascii = all_of("asciisynth");
  EXPECT_TRUE(std::all_of(ascii.begin(), ascii.end(), [](char c) { return c >= 32 && c < 127; }));
}

TEST_F(SimpleSourceTest, Synth_WithoutACountHasNoEnd) {
  start("asciisynth", {});
  uint64_t rows = 0;
  EventBatch batch;
  while (rows < 20'000) {
    const auto got = source_->next(batch, Wait::for_duration(60s));
    ASSERT_TRUE(got.ok());
    ASSERT_EQ(*got, Source::Next::kBatch);
    EXPECT_EQ(batch.body(0).size(), 150U);
    rows += batch.rows();
    batch.settle(Outcome::kDelivered);
  }
}

TEST_F(SimpleSourceTest, Synth_GoesBackToTheSameBodies) {
  start("asciisynth", sized(100, 20));
  auto under_way = rig_.batches(*source_);
  std::vector<std::string> before;
  for (const EventBatch& batch : under_way) {
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      before.emplace_back(batch.body(row));
    }
  }
  under_way.clear();
  ASSERT_TRUE(source_->rewind().ok());
  EXPECT_EQ(bodies(), before);
}

TEST_F(SimpleSourceTest, Synthrndsize_HasSizesFromMinUpToMax) {
  start("synthrndsize", {{"count", {int64_t{2000}}}, {"min", {int64_t{3}}}, {"max", {int64_t{7}}}});
  const auto all = bodies();
  EXPECT_THAT(all, SizeIs(2000));
  std::set<size_t> sizes;
  for (const std::string& body : all) {
    sizes.insert(body.size());
  }
  EXPECT_THAT(sizes, ElementsAre(3U, 4U, 5U, 6U));
}

TEST_F(SimpleSourceTest, Synthrndsize_OfAnEmptyRangeGivesTheLeast) {
  start("synthrndsize", {{"count", {int64_t{5}}}, {"min", {int64_t{3}}}, {"max", {int64_t{3}}}});
  EXPECT_THAT(bodies(), Each(SizeIs(3)));
}

}  // namespace
}  // namespace flume::node
