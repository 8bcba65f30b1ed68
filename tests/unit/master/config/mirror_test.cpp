#include "master/config/mirror.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/text.h"
#include "master/store/memory_store.h"

namespace flume::master {
namespace {

using testing::ElementsAre;
using testing::Pair;

void put(ConfigStore& store, const std::string& key, std::optional<std::string> value) {
  const std::vector<Change> changes = {{key, std::move(value)}};
  ASSERT_TRUE(store.commit(changes).ok());
}

std::string config(const std::string& sink) {
  NodeConfig config;
  config.flow = "f";
  config.source = "null";
  config.sink = sink;
  return encode_config(config);
}

TEST(Mirror, ShowsWhatOthersCommitInOrder) {
  MemoryStore store(random_id());
  put(store, config_key("a"), config("one"));
  Mirror mirror(store);
  Mutex mutex;
  CondVar seen;
  std::vector<std::string> sinks;
  mirror.on_view([&](const std::shared_ptr<const View>& view) {
    const MutexLock lock(mutex);
    const auto found = view->configs.find("a");
    sinks.push_back(found == view->configs.end() ? "gone" : found->second.value.sink);
    seen.notify_all();
  });
  ASSERT_TRUE(mirror.start().ok());
  EXPECT_EQ(mirror.view()->configs.at("a").value.sink, "one");
  put(store, config_key("a"), config("two"));
  put(store, config_key("a"), std::nullopt);
  {
    const MutexLock lock(mutex);
    while (sinks.back() != "gone" && seen.wait(mutex, Wait{})) {
    }
    EXPECT_EQ(sinks.front(), "one");
  }
  mirror.stop();
}

TEST(Mirror, CatchUpShowsOnesOwnCommitAtOnce) {
  MemoryStore store(random_id());
  Mirror mirror(store);  // not started: nobody else updates it
  put(store, config_key("a"), config("one"));
  ASSERT_TRUE(mirror.catch_up().ok());
  const auto before = mirror.view();
  put(store, config_key("a"), config("two"));
  ASSERT_TRUE(mirror.catch_up().ok());
  EXPECT_EQ(mirror.view()->configs.at("a").value.sink, "two");
  EXPECT_EQ(before->configs.at("a").value.sink, "one");  // a reader keeps what it took
  const auto same = mirror.view();
  ASSERT_TRUE(mirror.catch_up().ok());
  EXPECT_EQ(mirror.view(), same);
}

TEST(Mirror, AnEntryThatCannotBeReadIsLeftAloneAndNoted) {
  MemoryStore store(random_id());
  put(store, config_key("a"), "{nonsense");
  put(store, config_key("b"), config("one"));
  Mirror mirror(store);
  ASSERT_TRUE(mirror.catch_up().ok());
  EXPECT_THAT(mirror.view()->broken, ElementsAre("nodes/a/config"));
  EXPECT_EQ(mirror.view()->configs.size(), 1U);
  put(store, config_key("a"), config("two"));
  ASSERT_TRUE(mirror.catch_up().ok());
  EXPECT_TRUE(mirror.view()->broken.empty());
}

TEST(View, HistoryDoesNotCountAsAChangeOfTheConfiguration) {
  MemoryStore store(random_id());
  Mirror mirror(store);
  put(store, config_key("a"), config("one"));
  put(store, history_key(1), "{}");
  ASSERT_TRUE(mirror.catch_up().ok());
  EXPECT_EQ(mirror.view()->config_revision + 1, mirror.view()->revision);
}

TEST(View, MappingsListEveryKnownMachine) {
  MemoryStore store(random_id());
  Mirror mirror(store);
  put(store, host_key("p1"), encode_host({"", "h1", {}, true, 1}));
  put(store, host_key("p2"), encode_host({"", "h2", {}, true, 1}));
  put(store, place_key("z"), encode_place("p1"));
  put(store, place_key("a"), encode_place("p1"));
  put(store, place_key("p2"), encode_place("p3"));
  ASSERT_TRUE(mirror.catch_up().ok());
  EXPECT_THAT(mirror.view()->mappings(),
              ElementsAre(Pair("p1", ElementsAre("a", "p1", "z")), Pair("p3", ElementsAre("p2"))));
  EXPECT_EQ(mirror.view()->physical_of("p1"), "p1");
  EXPECT_EQ(mirror.view()->physical_of("p2"), "p3");
  EXPECT_EQ(mirror.view()->physical_of("nowhere"), "");
}

}  // namespace
}  // namespace flume::master
