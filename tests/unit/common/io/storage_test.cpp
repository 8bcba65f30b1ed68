#include "common/io/storage.h"

#include <gtest/gtest.h>

namespace flume {
namespace {

TEST(StorageSet, ASchemeWithoutStoreIsNamedWithWhatThereIs) {
  StorageSet set;
  set.add("file", nullptr);
  const auto found = set.find("hdfs://namenode/logs");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.status().code(), Code::kUnsupported);
  EXPECT_EQ(
      found.status().message(),
      "write to \"hdfs://namenode/logs\": hdfs:// is not supported in this version, only file:// and plain paths");
}

TEST(StorageSet, APlainPathIsAFile) {
  StorageSet set;
  set.add("file", nullptr);
  EXPECT_EQ(set.find("/a/b")->path, "/a/b");
  EXPECT_EQ(set.find("file:///a/b")->path, "/a/b");
}

}  // namespace
}  // namespace flume
