#include "node/control/saved_state.h"

#include <gtest/gtest.h>

#include "common/base/fault.h"
#include "tests/support/temp_dir.h"

namespace flume::node {
namespace {

class SavedStateTest : public testing::Test {
 protected:
  static SavedState example() {
    SavedState state;
    state.store_id.fill(0xAB);
    state.revision = 12;
    state.configs.push_back({{"web-1", "logs", "tail(\"/a \\\"b\\\"\")", "agentBESink(\"c\", 1)", 7, true}, "beef"});
    state.configs.push_back({{"é", "logs", "null", "null", 12, true}, ""});
    return state;
  }
  test::TempDir dir_;
  const std::string path_ = dir_ / "configuration";
};

TEST_F(SavedStateTest, NothingSavedIsAnEmptyState) {
  const auto state = load_saved_state(path_);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->store_id, Id128{});
  EXPECT_EQ(state->revision, 0);
  EXPECT_TRUE(state->configs.empty());
}

TEST_F(SavedStateTest, ReadsBackWhatWasSaved) {
  ASSERT_TRUE(save_state(path_, example()).ok());
  const auto state = load_saved_state(path_);
  ASSERT_TRUE(state.ok()) << state.status().message();
  EXPECT_EQ(state->store_id, example().store_id);
  EXPECT_EQ(state->revision, 12);
  ASSERT_EQ(state->configs.size(), 2U);
  const SavedConfig& first = state->configs[0];
  EXPECT_EQ(first.config.name, "web-1");
  EXPECT_EQ(first.config.flow, "logs");
  EXPECT_EQ(first.config.source, "tail(\"/a \\\"b\\\"\")");
  EXPECT_EQ(first.config.sink, "agentBESink(\"c\", 1)");
  EXPECT_EQ(first.config.revision, 7U);
  EXPECT_TRUE(first.config.pushed);
  EXPECT_EQ(first.text_hash, "beef");
  EXPECT_EQ(state->configs[1].config.name, "é");
}

TEST_F(SavedStateTest, ADamagedFileIsSetAsideAndTheStateIsEmpty) {
  for (const char* const text : {"", "{\"v\":1,\"store_id\":\"ab", "{\"v\":2}", "{\"v\":1,\"store_id\":\"ab\"}"}) {
    test::write_file(path_, text);
    const auto state = load_saved_state(path_);
    ASSERT_TRUE(state.ok()) << state.status().message();
    EXPECT_TRUE(state->configs.empty());
    EXPECT_FALSE(std::filesystem::exists(path_));
  }
  EXPECT_EQ(test::contents_of(path_ + ".damaged"), "");
  EXPECT_EQ(test::contents_of(path_ + ".damaged.1"), "{\"v\":1,\"store_id\":\"ab");
}

TEST_F(SavedStateTest, AFailedSaveLeavesTheOldState) {
  ASSERT_TRUE(save_state(path_, example()).ok());
  SavedState later = example();
  later.revision = 13;
  arm_fault("io.sync", Status(Code::kNoSpace, "sync: disk full"));
  const Status status = save_state(path_, later);
  disarm_faults();
  EXPECT_EQ(status.message(), "sync: disk full");
  EXPECT_EQ(load_saved_state(path_)->revision, 12);
}

}  // namespace
}  // namespace flume::node
