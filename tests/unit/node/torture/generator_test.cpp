#include "node/torture/generator.h"

#include <gtest/gtest.h>

#include "node/torture/oracle.h"
#include "tests/support/temp_dir.h"

namespace flume::torture {
namespace {

GeneratorOptions options_for(const test::TempDir& folder, uint64_t seed = 7) {
  GeneratorOptions options;
  options.seed = seed;
  options.folder = folder.path();
  options.files = 3;
  options.lines = 2000;
  options.lines_per_life = 100;
  return options;
}

// Rotated files first: NAME.2, NAME.1, NAME.
Account account_of(const test::TempDir& folder, const Generator& generator) {
  auto account = check_files(output_files(folder.path()), generator.expectation());
  return account.ok() ? *account : Account{};
}

TEST(Generator, WritesWhatItSaysItWrote) {
  const test::TempDir folder;
  Generator generator(options_for(folder));
  ASSERT_TRUE(generator.open().ok());
  ASSERT_TRUE(generator.run({}).ok());
  const Account account = account_of(folder, generator);
  EXPECT_TRUE(account.perfect()) << account.to_text();
  EXPECT_EQ(account.lines, 2000U);
  EXPECT_EQ(account.bytes, generator.bytes());
  EXPECT_EQ(account.bytes, generator.expectation().bytes);
}

TEST(Generator, LosesNothingByRenameAndByCopyTruncate) {
  const test::TempDir folder;
  auto options = options_for(folder);
  options.rotations = {Rotation::kRename, Rotation::kCopyTruncate};
  Generator generator(options);
  ASSERT_TRUE(generator.open().ok());
  ASSERT_TRUE(generator.run({}).ok());
  EXPECT_GT(generator.rotations(), 10U);
  const Account account = account_of(folder, generator);
  EXPECT_TRUE(account.perfect()) << account.to_text();
}

TEST(Generator, AsksBeforeItDestroys) {
  for (const Rotation rotation : {Rotation::kTruncate, Rotation::kRecreate}) {
    const test::TempDir folder;
    int asked = 0;
    Generator generator(options_for(folder), [&asked](const Wait&) {
      ++asked;
      return Status();
    });
    ASSERT_TRUE(generator.open().ok());
    ASSERT_TRUE(generator.write_lines(0, 5).ok());
    ASSERT_TRUE(generator.rotate(0, rotation, {}).ok());
    ASSERT_TRUE(generator.write_lines(0, 5).ok());
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(account_of(folder, generator).lines, 5U);
    EXPECT_EQ(generator.expectation().lines(), 10U);
  }
}

TEST(Generator, KeepsAFileWhenWhatItHoldsIsNotDelivered) {
  const test::TempDir folder;
  Generator generator(options_for(folder), [](const Wait&) { return Status(Code::kTimeout, "too slow"); });
  ASSERT_TRUE(generator.open().ok());
  ASSERT_TRUE(generator.write_lines(0, 5).ok());
  const Status status = generator.rotate(0, Rotation::kTruncate, {});
  EXPECT_EQ(status.message(), "before truncate of " + (folder / "app-0.log") + ": too slow");
  EXPECT_EQ(account_of(folder, generator).lines, 5U);
}

TEST(Generator, TheSeedRepeatsARun) {
  const auto text_of_seed = [](uint64_t seed) {
    const test::TempDir folder;
    Generator generator(options_for(folder, seed));
    EXPECT_TRUE(generator.open().ok());
    EXPECT_TRUE(generator.run({}).ok());
    std::string text;
    for (const std::string& path : generator.paths()) {
      text += test::contents_of(path);
    }
    return text;
  };
  EXPECT_EQ(text_of_seed(1), text_of_seed(1));
  EXPECT_NE(text_of_seed(1), text_of_seed(2));
}

TEST(Generator, SeparatesLinesAsTold) {
  const test::TempDir folder;
  auto options = options_for(folder);
  options.files = 1;
  options.delimiter = "|#|";
  Generator generator(options);
  ASSERT_TRUE(generator.open().ok());
  ASSERT_TRUE(generator.write_lines(0, 20).ok());
  std::string text = test::contents_of(generator.paths()[0]);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  for (size_t at = text.find("|#|"); at != std::string::npos; at = text.find("|#|")) {
    text.replace(at, 3, "\n");
  }
  Oracle oracle(generator.expectation());
  oracle.feed(text);
  const Account account = oracle.finish();
  EXPECT_TRUE(account.perfect()) << account.to_text();
  EXPECT_EQ(account.bytes, generator.expectation().bytes);
}

TEST(Rotation, HasNames) {
  for (const char* name : {"rename", "copytruncate", "truncate", "recreate"}) {
    const auto rotation = rotation_named(name);
    ASSERT_TRUE(rotation);
    EXPECT_EQ(name_of(*rotation), name);
  }
  EXPECT_FALSE(rotation_named("shred"));
}

}  // namespace
}  // namespace flume::torture
