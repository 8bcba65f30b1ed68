#include "master/cli/pid_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "common/base/text.h"
#include "tests/support/temp_dir.h"

namespace flume::master {
namespace {

TEST(PidFile, HoldsThisProcessAndIsRemoved) {
  const test::TempDir folder;
  const std::string path = folder / "flumemaster.pid";
  {
    const auto taken = PidFile::take(path);
    ASSERT_TRUE(taken.ok()) << taken.status().to_string();
    EXPECT_EQ(test::contents_of(path), str_cat(::getpid(), "\n"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(PidFile, WhatADeadProcessLeftIsTakenOver) {
  const test::TempDir folder;
  const std::string path = folder / "flumemaster.pid";
  test::write_file(path, "999999999\n");
  EXPECT_TRUE(PidFile::take(path).ok());
}

TEST(PidFile, ALivingOneIsRespected) {
  const test::TempDir folder;
  const std::string path = folder / "flumemaster.pid";
  const auto taken = PidFile::take(path);
  EXPECT_EQ(PidFile::take(path).status().message(),
            str_cat("Master already running, pid=", ::getpid(), " (", path, ")"));
  EXPECT_TRUE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace flume::master
