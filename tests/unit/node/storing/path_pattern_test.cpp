#include "node/storing/path_pattern.h"

#include <gtest/gtest.h>

#include "tests/support/batches.h"

namespace flume::node {
namespace {

PathPattern pattern(const std::string& text, bool with_escapes = true) {
  return PathPattern::parse(text, with_escapes).value();
}

std::string path_for(const std::string& text, const Event& event) {
  std::string path;
  pattern(text).expand(support::batch_of({event}), 0, path);
  return path;
}

TEST(PathPattern, WithoutEscapesAPercentSignIsAPercentSign) {
  const PathPattern plain = pattern("/a/%{host}", false);
  EXPECT_FALSE(plain.has_escapes());
  std::string path;
  EXPECT_EQ(plain.expand(support::mixed_batch(), 0, path), 20U);
  EXPECT_EQ(path, "/a/%{host}");
}

TEST(PathPattern, AnEmptyFileNameIsAnUnderscore) {
  Event event;
  event.host = "h";
  EXPECT_EQ(path_for("/a/%{none}", event), "/a/_");
  EXPECT_EQ(path_for("/a/%{host}/", event), "/a/h/_");
  EXPECT_EQ(path_for("%{none}", event), "_");
}

TEST(PathPattern, ValuesCannotClimb) {
  Event event;
  event.attributes["x"] = "../../etc";
  EXPECT_EQ(path_for("/a/%{x}/f", event).find(".."), std::string::npos);
}

TEST(PathPattern, KnowsTheFolderThatEverythingIsBelow) {
  EXPECT_EQ(pattern("/data/in/%{host}/%Y/f").folder(), "/data/in");
  EXPECT_EQ(pattern("/data/in/%{host}/%Y/f").depth(), 2 + 4);
  EXPECT_EQ(pattern("/data/log-%H").folder(), "/data");
  EXPECT_EQ(pattern("/data/log").folder(), "/data");
  EXPECT_EQ(pattern("/data/log").depth(), 0);
  EXPECT_EQ(pattern("%H").folder(), ".");
  EXPECT_EQ(pattern("/%H").folder(), "/");
}

TEST(PathPattern, OnlyItsOwnFilesMatch) {
  const PathPattern plain = pattern("/d/log", false);
  for (const char* name : {"/d/log", "/d/log.1", "/d/log.12.gz", "/d/log.gz", "/d/log.deflate"}) {
    EXPECT_TRUE(plain.matches(name)) << name;
  }
  for (const char* name : {"/d/logs", "/d/log.", "/d/log.x", "/d/other", "/d/lo", "/d/log.1.2"}) {
    EXPECT_FALSE(plain.matches(name)) << name;
  }
  const PathPattern escaped = pattern("/d/%{host}/log-%Y.txt");
  EXPECT_TRUE(escaped.matches("/d/h1/log-2026.txt"));
  EXPECT_TRUE(escaped.matches("/d/h1/log-2026.txt.3.gz"));
  EXPECT_FALSE(escaped.matches("/d/h1/lag-2026.txt"));
  EXPECT_FALSE(escaped.matches("/d/h1/log-2026.csv"));
  EXPECT_FALSE(escaped.matches("/e/h1/log-2026.txt"));
  EXPECT_TRUE(pattern("/d/p-%{rolltag}").matches("/d/p-20261121"));
  EXPECT_FALSE(pattern("/d/p-%{rolltag}").matches("/d/q-20261121"));
}

}  // namespace
}  // namespace flume::node
