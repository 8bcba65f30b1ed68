#include "node/identity.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/base/text.h"
#include "tests/support/temp_dir.h"

namespace flume::node {
namespace {

TEST(NodeIdentity, IsMintedOnceAndCountsStarts) {
  const test::TempDir dir;
  Id128 id{};
  {
    const auto first = open_node_folder(dir.path(), "web1", "host1");
    ASSERT_TRUE(first.ok()) << first.status().message();
    EXPECT_EQ(first->identity.boot_epoch, 1U);
    EXPECT_EQ(first->identity.physical_node, "web1");
    EXPECT_EQ(first->path, dir / "web1");
    id = first->identity.node_id;
    EXPECT_NE(id, Id128{});
  }
  const auto second = open_node_folder(dir.path(), "web1", "host1");
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->identity.boot_epoch, 2U);
  EXPECT_EQ(second->identity.node_id, id);
}

TEST(NodeIdentity, OnlyOneProcessRunsANode) {
  const test::TempDir dir;
  const auto first = open_node_folder(dir.path(), "web1", "host1");
  ASSERT_TRUE(first.ok());
  const auto second = open_node_folder(dir.path(), "web1", "host1");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), Code::kBusy);
  EXPECT_EQ(second.status().message(),
            str_cat("another process runs the node \"web1\" with the state in \"", dir / "web1",
                    "\"; give this one another name (-n) or flume.agent.logdir"));
  EXPECT_TRUE(open_node_folder(dir.path(), "web2", "host1").ok());
}

TEST(NodeIdentity, ADamagedFileIsSaidAndKept) {
  const test::TempDir dir;
  { ASSERT_TRUE(open_node_folder(dir.path(), "web1", "host1").ok()); }
  const std::string path = dir / "web1/identity";
  for (const char* text : {"{", "{\"node_id\":\"12\",\"boot_epoch\":1}", "{\"boot_epoch\":1}",
                           "{\"node_id\":\"00112233445566778899aabbccddeeff\",\"boot_epoch\":-1}"}) {
    std::ofstream(path) << text;
    const auto opened = open_node_folder(dir.path(), "web1", "host1");
    ASSERT_FALSE(opened.ok()) << text;
    EXPECT_EQ(opened.status().code(), Code::kCorrupt) << text;
    std::ifstream kept(path);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(kept), {}), text);
  }
}

TEST(NodeIdentity, AFolderThatCannotBeMadeIsAnError) {
  const test::TempDir dir;
  std::ofstream(dir / "file") << "x";
  const auto opened = open_node_folder(dir / "file", "web1", "host1");
  ASSERT_FALSE(opened.ok());
}

}  // namespace
}  // namespace flume::node
