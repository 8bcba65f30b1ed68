#include "node/torture/oracle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "common/base/random.h"
#include "tests/support/temp_dir.h"

namespace flume::torture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint32_t kRun = 0xabcd;

std::string line(uint64_t number, uint32_t source = 0, uint32_t life = 0, uint32_t run = kRun) {
  std::string out;
  append_line(out, {run, source, life, number}, "payload of " + std::to_string(number));
  return out;
}

Expectation ten_lines() {
  Expectation expectation;
  expectation.run = kRun;
  expectation.sources = {{0, "a.log", 10}};
  return expectation;
}

std::vector<std::string> all_ten() {
  std::vector<std::string> lines;
  for (uint64_t i = 0; i < 10; ++i) {
    lines.push_back(line(i));
  }
  return lines;
}

std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& l : lines) {
    text += l + "\n";
  }
  return text;
}

// Fed in pieces of every size in turn must give the same account.
Account account(const std::vector<std::string>& lines, const std::optional<Expectation>& expectation = ten_lines()) {
  const std::string text = text_of(lines);
  std::optional<std::string> first;
  Account result;
  for (const size_t piece : {text.size() + 1, size_t{1}, size_t{7}, size_t{64}}) {
    Oracle oracle(expectation);
    oracle.begin_file("out");
    for (size_t at = 0; at < text.size(); at += piece) {
      oracle.feed(std::string_view(text).substr(at, piece));
    }
    oracle.end_file();
    result = oracle.finish();
    EXPECT_EQ(result.to_text(), first.value_or(result.to_text()));
    first = result.to_text();
  }
  return result;
}

TEST(Oracle, IsContentWithEveryLineOnce) {
  const Account found = account(all_ten());
  EXPECT_TRUE(found.perfect()) << found.to_text();
  EXPECT_EQ(found.lines, 10U);
  EXPECT_EQ(found.expected, 10U);
  EXPECT_EQ(found.rewinds, 0U);
}

TEST(Oracle, SeesOneLostLine) {
  auto lines = all_ten();
  lines.erase(lines.begin() + 4);
  const Account found = account(lines);
  EXPECT_EQ(found.lost, 1U);
  EXPECT_EQ(found.duplicated + found.reordered + found.damaged + found.foreign, 0U);
  EXPECT_EQ(found.ends_missing, 0U);
  EXPECT_THAT(found.examples, ElementsAre("lost: lines 4 to 4 (1) of source 0"));
}

TEST(Oracle, SeesTheLastLineLost) {
  auto lines = all_ten();
  lines.pop_back();
  const Account found = account(lines);
  EXPECT_EQ(found.lost, 1U);
  EXPECT_EQ(found.ends_missing, 1U);
}

TEST(Oracle, SeesASourceOfWhichNothingCame) {
  Expectation expectation = ten_lines();
  expectation.sources.push_back({1, "b.log", 3});
  const Account found = account(all_ten(), expectation);
  EXPECT_EQ(found.lost, 3U);
  EXPECT_THAT(found.examples, ElementsAre("lost: lines 0 to 2 (3) of source 1"));
}

TEST(Oracle, SeesOneDoubledLine) {
  auto lines = all_ten();
  lines.insert(lines.begin() + 5, lines[4]);
  const Account found = account(lines);
  EXPECT_EQ(found.duplicated, 1U);
  EXPECT_EQ(found.lost + found.reordered + found.damaged + found.foreign, 0U);
  EXPECT_EQ(found.rewinds, 1U);
  const std::string place = "out, line 6, byte " + std::to_string(5 * (line(0).size() + 1));
  EXPECT_THAT(found.examples, ElementsAre("duplicated: line 4 of source 0, life 0 (" + place + ")"));
}

TEST(Oracle, SeesOneSwappedPair) {
  auto lines = all_ten();
  std::swap(lines[2], lines[3]);
  const Account found = account(lines);
  EXPECT_EQ(found.reordered, 1U);
  EXPECT_EQ(found.lost + found.duplicated + found.damaged + found.foreign, 0U);
  EXPECT_THAT(found.examples,
              ElementsAre(HasSubstr("reordered: line 2 of source 0, life 0: after line 3 (out, line 4")));
}

TEST(Oracle, SeesEveryFlippedByte) {
  const auto good = all_ten();
  for (size_t at = 0; at < good[3].size(); ++at) {
    auto lines = good;
    lines[3][at] = static_cast<char>(lines[3][at] ^ 1);
    const Account found = account(lines);
    EXPECT_EQ(found.damaged + found.foreign, 1U) << at;  // without its mark nobody knows that it was ours
    EXPECT_EQ(found.lost, 1U) << at;
    EXPECT_EQ(found.duplicated, 0U) << at;
  }
}

TEST(Oracle, SeesEveryCutLine) {
  const auto good = all_ten();
  for (size_t at = 0; at < good[3].size(); ++at) {
    auto lines = good;
    lines[3].resize(at);
    const Account found = account(lines);
    EXPECT_EQ(found.damaged + found.foreign, 1U) << at;
    EXPECT_EQ(found.lost, 1U) << at;
  }
}

TEST(Oracle, SeesALineThatWasSplit) {
  auto lines = all_ten();
  const std::string whole = lines[3];
  lines[3] = whole.substr(0, 25);
  lines.insert(lines.begin() + 4, whole.substr(25));
  const Account found = account(lines);
  EXPECT_EQ(found.damaged, 1U);
  EXPECT_EQ(found.foreign, 1U);
  EXPECT_EQ(found.lost, 1U);
}

TEST(Oracle, SeesTwoLinesInOne) {
  auto lines = all_ten();
  lines[3] += lines[4];
  lines.erase(lines.begin() + 4);
  const Account found = account(lines);
  EXPECT_EQ(found.damaged, 1U);
  EXPECT_EQ(found.lost, 2U);
}

TEST(Oracle, SeesOneForeignLine) {
  for (const std::string& foreign :
       {std::string("hello"), std::string(), line(3, 0, 0, kRun + 1), line(3, 7), line(10)}) {
    auto lines = all_ten();
    lines.insert(lines.begin() + 1, foreign);
    const Account found = account(lines);
    EXPECT_EQ(found.foreign, 1U) << foreign;
    EXPECT_EQ(found.lost + found.duplicated + found.reordered + found.damaged, 0U) << foreign;
    EXPECT_THAT(found.examples, ElementsAre(HasSubstr("foreign: ")));
  }
}

TEST(Oracle, PromisesNoOrderBetweenTwoLivesOfAFile) {
  const Account found = account({line(3, 0, 1), line(4, 0, 1), line(0), line(1), line(2)}, std::nullopt);
  EXPECT_TRUE(found.perfect()) << found.to_text();
}

TEST(Oracle, CountsARepeatedWindowAsOneRewind) {
  auto lines = all_ten();
  lines.insert(lines.begin() + 8, lines.begin() + 4, lines.begin() + 8);
  const Account found = account(lines);
  EXPECT_EQ(found.duplicated, 4U);
  EXPECT_EQ(found.rewinds, 1U);
  EXPECT_EQ(found.reordered, 0U);
}

TEST(Oracle, WithoutAnExpectationSeesTheGaps) {
  auto lines = all_ten();
  lines.erase(lines.begin() + 4, lines.begin() + 6);
  const Account found = account(lines, std::nullopt);
  EXPECT_EQ(found.expected, 10U);
  EXPECT_EQ(found.lost, 2U);
}

TEST(Oracle, CountsExtraLines) {
  Expectation expectation = ten_lines();
  expectation.add_extra("the head", "head", 2);
  expectation.add_extra("an empty line", "");
  auto lines = all_ten();
  lines.insert(lines.begin(), {"head", "head", ""});
  EXPECT_TRUE(account(lines, expectation).perfect());
  lines.emplace_back("head");
  EXPECT_EQ(account(lines, expectation).duplicated, 1U);
  lines.erase(lines.begin() + 2);
  const Account found = account(lines, expectation);
  EXPECT_EQ(found.lost, 1U);
  EXPECT_EQ(found.ends_missing, 1U);
}

TEST(Oracle, ALastLineWithoutNewlineCounts) {
  Oracle oracle(ten_lines());
  std::string text = text_of(all_ten());
  text.pop_back();
  oracle.begin_file("out");
  oracle.feed(text);
  oracle.end_file();
  EXPECT_TRUE(oracle.finish().perfect());
}

TEST(Oracle, KeepsAFewExamplesOfEachKind) {
  const Account found = account(std::vector<std::string>(1000, "junk"));
  EXPECT_EQ(found.foreign, 1000U);
  EXPECT_EQ(found.examples.size(), Oracle::kExamples + 1);  // and one range of lost lines
}

TEST(Oracle, ReadsFilesInTheOrderOfTheirNames) {
  const test::TempDir folder;
  std::filesystem::create_directories(folder / "sub");
  test::write_file(folder / "part-2", text_of({line(0), line(1)}));
  test::write_file(folder / "part-10.tmp", text_of({line(2)}));
  test::write_file(folder / "part-9.aside", "what was set aside\n");
  test::write_file(folder / ".journal", "not output\n");
  test::write_file(folder / "sub/part-1", text_of({line(3), line(4)}));
  const auto files = output_files(folder.path());
  ASSERT_THAT(files, ElementsAre(folder / "part-2", folder / "part-10.tmp", folder / "sub/part-1"));
  const auto found = check_files(files, std::nullopt);
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found->perfect()) << found->to_text();
  EXPECT_EQ(found->lines, 5U);
}

TEST(Oracle, PromisesNoOrderBetweenTwoFolders) {
  const auto account_of = [](const std::string& second_file) {
    Oracle oracle(ten_lines());
    oracle.begin_file("store1/a");
    oracle.feed(text_of({line(0), line(1), line(4), line(5), line(6), line(7), line(8), line(9)}));
    oracle.end_file();
    oracle.begin_file(second_file);
    oracle.feed(text_of({line(2), line(3)}));
    oracle.end_file();
    return oracle.finish();
  };
  EXPECT_TRUE(account_of("store2/a").perfect());
  EXPECT_EQ(account_of("store1/b").reordered, 2U);
}

TEST(Oracle, SaysWhichFileItCannotRead) {
  const test::TempDir folder;
  const auto found = check_files({folder / "none"}, std::nullopt);
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(std::string(found.status().message()), HasSubstr(folder / "none"));
}

// Whatever bytes lie in an output: a line is whole only when it is one that was written, byte by byte, and feeding goes
// on behind it.
TEST(Oracle, TakesNothingForWholeThatNobodyWrote) {
  const uint64_t seed = random_seed();
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = line(random() % 10);
    for (uint64_t edits = 1 + random() % 4; edits > 0; --edits) {
      const size_t at = random() % (text.size() + 1);
      switch (random() % 4) {
        case 0: text.insert(at, 1, static_cast<char>(random())); break;
        case 1: text.erase(at, random() % 5); break;
        case 2: text.replace(at, 1, 1, static_cast<char>('0' + random() % 10)); break;
        default: text.insert(at, line(random() % 10).substr(random() % 8)); break;
      }
    }
    LineKey key;
    if (parse_line(text, key) == LineForm::kWhole) {
      const std::string_view rest(text);
      std::string again;
      size_t payload = 0;
      for (int dots = 0; dots < 5; ++payload) {
        dots += rest[payload] == '.' ? 1 : 0;
      }
      append_line(again, key, rest.substr(payload));
      ASSERT_EQ(again, text);
    }
    Oracle oracle(ten_lines());
    oracle.begin_file("out");
    oracle.feed(text + "\n" + line(3) + "\n");
    oracle.end_file();
    const Account found = oracle.finish();
    ASSERT_EQ(found.lines, 2U + static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')));
    ASSERT_LE(found.lost, 9U) << "the good line behind it counts";
  }
}

TEST(NaturalLess, TakesDigitsAsNumbers) {
  EXPECT_TRUE(natural_less("part.2", "part.10"));
  EXPECT_TRUE(natural_less("part", "part.1"));
  EXPECT_FALSE(natural_less("part.10", "part.2"));
  EXPECT_FALSE(natural_less("a", "a"));
  EXPECT_TRUE(natural_less("a-007-1", "a-7-2"));
}

TEST(Expectation, ReadsBackWhatItWrote) {
  Expectation expectation = ten_lines();
  expectation.seed = 42;
  expectation.add_extra("piece \"1\"", "content", 3);
  const auto read = Expectation::from_json(expectation.to_json());
  ASSERT_TRUE(read.ok()) << read.status().to_string();
  EXPECT_EQ(*read, expectation);
  EXPECT_EQ(expectation.bytes, 24U);
  EXPECT_EQ(expectation.lines(), 13U);
}

TEST(Expectation, RefusesWhatIsNone) {
  for (const std::string text : {"", "{}", "[]", R"({"v":2})", R"({"v":1,"seed":-1})",
                                 R"({"v":1,"seed":1,"run":5000000000,"bytes":0,"sources":[],"extras":[]})",
                                 R"({"v":1,"seed":1,"run":1,"bytes":0,"sources":[{"id":1}],"extras":[]})"}) {
    EXPECT_FALSE(Expectation::from_json(text).ok()) << text;
  }
}

}  // namespace
}  // namespace flume::torture
