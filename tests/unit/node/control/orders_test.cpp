#include "node/control/orders.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <semaphore>

#include "tests/support/node_world.h"
#include "tests/support/temp_dir.h"

namespace flume::node {

void register_source_null(Registry& registry);
void register_sink_null(Registry& registry);

namespace {

const std::string kStore(16, 's');
const std::string kOther(16, 'o');

class OrdersTest : public testing::Test {
 protected:
  OrdersTest() {
    register_source_null(registry_);
    register_sink_null(registry_);
  }
  ~OrdersTest() override {
    orders_.stop();
    set_.stop();
  }

  static rpc::control::Desired desired(const std::string& store, int64_t revision) {
    rpc::control::Desired desired;
    desired.__set_store_id(store);
    desired.__set_revision(revision);
    return desired;
  }
  static rpc::control::SetLogical config(const std::string& name, int64_t revision, const std::string& source,
                                         const std::string& hash) {
    rpc::control::SetLogical config;
    config.__set_name(name);
    config.__set_revision(revision);
    config.__set_flow("f");
    config.__set_source(source);
    config.__set_sink("null");
    config.__set_text_hash(hash);
    return config;
  }
  static rpc::control::RemoveLogical removal(const std::string& name, int64_t revision) {
    rpc::control::RemoveLogical removal;
    removal.__set_name(name);
    removal.__set_revision(revision);
    return removal;
  }
  void give(const rpc::control::SetLogical& config) {
    rpc::control::Desired order = desired(kStore, config.revision);
    order.configs = {config};
    EXPECT_TRUE(orders_.obey(order));
  }
  uint64_t wanted(const std::string& name) const {
    const auto status = set_.find(name);
    return status ? status->wanted_revision : 0;
  }

  test::NodeWorld world_;
  test::TempDir dir_;
  std::counting_semaphore<> removals_{0};  // done ones
  const std::string path_ = dir_ / "configuration";
  Registry registry_;
  NodeSet set_{NodeSetParts{registry_, world_.clock, world_.metrics, world_.settings, world_.capabilities,
                            world_.identity, world_.watch, world_.storage, world_.net, "", false}};
  Orders orders_{set_, path_, [this] { removals_.release(); }};
};

TEST_F(OrdersTest, RunsWhatItIsToldAndKeepsItOnDisk) {
  give(config("a", 3, "null", "h1"));
  EXPECT_EQ(wanted("a"), 3U);
  EXPECT_EQ(orders_.text_hash("a"), "h1");
  const auto saved = load_saved_state(path_);
  ASSERT_EQ(saved->configs.size(), 1U);
  EXPECT_EQ(saved->configs[0].config.name, "a");
  EXPECT_EQ(saved->revision, 3);
}

TEST_F(OrdersTest, StartsWithWhatTheDiskHolds) {
  give(config("a", 3, "null", "h1"));
  ASSERT_TRUE(set_.remove("a").ok());
  Orders later(set_, path_, [] {});
  later.start();
  EXPECT_EQ(wanted("a"), 3U);
  EXPECT_EQ(later.text_hash("a"), "h1");
  rpc::control::NodeReport report;
  later.describe(report);
  EXPECT_EQ(report.store_id, kStore);
  EXPECT_EQ(report.revision, 3);
}

TEST_F(OrdersTest, ANodeOfTheCommandLineIsNotReplacedByTheSavedOne) {
  give(config("a", 3, "null", "h1"));
  ASSERT_TRUE(set_.remove("a").ok());
  ASSERT_TRUE(set_.set({"a", "f", "null", "null", 99, false}).ok());
  Orders later(set_, path_, [] {});
  later.start();
  EXPECT_EQ(wanted("a"), 99U);
  EXPECT_EQ(later.text_hash("a"), "");
}

TEST_F(OrdersTest, AnOlderRevisionIsNotTaken) {
  give(config("a", 5, "null", "h2"));
  give(config("a", 4, "null", "h1"));
  EXPECT_EQ(wanted("a"), 5U);
  EXPECT_EQ(orders_.text_hash("a"), "h2");
}

TEST_F(OrdersTest, ARefusedConfigurationCountsAsTaken) {
  give(config("a", 2, "nul", "h1"));
  EXPECT_EQ(orders_.text_hash("a"), "h1");
  EXPECT_NE(set_.find("a")->error, "");
}

TEST_F(OrdersTest, OnlyWhatIsListedIsRemovedAndThatIsConfirmedUntilItArrived) {
  give(config("a", 1, "null", "h1"));
  give(config("b", 2, "null", "h1"));
  rpc::control::Desired order = desired(kStore, 3);
  order.full = true;
  order.remove = {removal("a", 3)};
  orders_.start();
  EXPECT_TRUE(orders_.obey(order));
  removals_.acquire();
  EXPECT_FALSE(set_.find("a"));
  EXPECT_TRUE(set_.find("b"));
  EXPECT_EQ(load_saved_state(path_)->configs.size(), 1U);
  rpc::control::NodeReport report;
  orders_.describe(report);
  EXPECT_EQ(report.removed, std::vector<std::string>{"a"});
  orders_.arrived(report.removed);
  orders_.describe(report);
  EXPECT_TRUE(report.removed.empty());
}

TEST_F(OrdersTest, ANodeMadeAnewSinceIsNotRemoved) {
  give(config("a", 7, "null", "h1"));
  rpc::control::Desired order = desired(kStore, 8);
  order.remove = {removal("a", 6)};
  EXPECT_TRUE(orders_.obey(order));
  orders_.start();
  orders_.stop();
  EXPECT_TRUE(set_.find("a"));
}

TEST_F(OrdersTest, AConfigurationWaitsBehindTheRemovalOfItsNode) {
  give(config("a", 1, "null", "h1"));
  rpc::control::Desired order = desired(kStore, 2);
  order.remove = {removal("a", 2)};
  EXPECT_TRUE(orders_.obey(order));
  give(config("a", 3, "null", "h3"));
  give(config("b", 4, "null", "h4"));
  EXPECT_EQ(wanted("a"), 1U);
  EXPECT_EQ(wanted("b"), 4U);  // others do not wait
  orders_.start();
  removals_.acquire();
  removals_.acquire();
  EXPECT_EQ(wanted("a"), 3U);
  rpc::control::NodeReport report;
  orders_.describe(report);
  EXPECT_TRUE(report.removed.empty());
}

TEST_F(OrdersTest, ARemovalThatIsNotOnDiskIsNotConfirmed) {
  give(config("a", 1, "null", "h1"));
  ASSERT_TRUE(std::filesystem::remove(path_));
  ASSERT_TRUE(std::filesystem::create_directory(path_));  // a file cannot take its place
  rpc::control::Desired order = desired(kStore, 2);
  order.remove = {removal("a", 2)};
  EXPECT_TRUE(orders_.obey(order));
  orders_.start();
  removals_.acquire();
  rpc::control::NodeReport report;
  orders_.describe(report);
  EXPECT_TRUE(report.removed.empty());
  ASSERT_TRUE(std::filesystem::remove(path_));
  EXPECT_TRUE(orders_.obey(desired(kStore, 2)));  // written again with the next answer
  orders_.describe(report);
  EXPECT_EQ(report.removed, std::vector<std::string>{"a"});
}

TEST_F(OrdersTest, ANameThatCouldLeaveTheNodesFolderIsNotTaken) {
  give(config("../a", 1, "null", "h1"));
  EXPECT_TRUE(set_.list().empty());
  EXPECT_EQ(orders_.text_hash("../a"), "");
}

TEST_F(OrdersTest, AMasterWithoutAStoreIsNotObeyed) {
  rpc::control::Desired order = desired("", 1);
  order.configs = {config("a", 1, "null", "h1")};
  EXPECT_FALSE(orders_.obey(order));
  EXPECT_TRUE(set_.list().empty());
}

TEST_F(OrdersTest, AnotherStoreIsNotObeyedUnlessItAdoptedThisNode) {
  give(config("a", 9, "null", "h1"));
  rpc::control::Desired order = desired(kOther, 1);
  order.configs = {config("a", 1, "null", "h2")};
  EXPECT_FALSE(orders_.obey(order));
  EXPECT_EQ(wanted("a"), 9U);
  order.__set_adopt_from(kStore);
  EXPECT_TRUE(orders_.obey(order));
  EXPECT_EQ(wanted("a"), 1U);
  rpc::control::NodeReport report;
  orders_.describe(report);
  EXPECT_EQ(report.store_id, kOther);
}

}  // namespace
}  // namespace flume::node
