// What every ConfigStore promises, whatever it keeps its entries in. A new implementation is added to the list at the
// end and passes the same cases.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/text.h"
#include "common/base/thread.h"
#include "common/base/units.h"
#include "master/store/dir_store.h"
#include "master/store/memory_store.h"
#include "tests/support/temp_dir.h"

namespace flume::master {
namespace {

// How to open a store of one kind; again with the same directory gives the same durable store.
struct Kind {
  std::string name;
  std::function<std::unique_ptr<ConfigStore>(const std::string& directory)> open;
};

class StoreContract : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override { open(); }

  void open() {
    store_.reset();
    store_ = GetParam().open(directory_.path());
    ASSERT_NE(store_, nullptr);
  }

  Revision put(const std::string& key, const std::string& value) {
    const std::vector<Change> changes = {{key, value}};
    const auto revision = store_->commit(changes);
    EXPECT_TRUE(revision.ok()) << revision.status().to_string();
    return revision.ok() ? *revision : 0;
  }

  Revision remove(const std::string& key) {
    const std::vector<Change> changes = {{key, std::nullopt}};
    return store_->commit(changes).value();
  }

  // "key=value@revision" of all keys with the prefix.
  std::vector<std::string> listed(std::string_view prefix) {
    Revision as_of = 0;
    return texts(store_->list(prefix, as_of).value());
  }

  std::vector<std::string> changed_since(Revision since) {
    return texts(store_->changes_since(since, Wait::for_duration(0s)).value());
  }

  static std::vector<std::string> texts(const std::vector<Entry>& entries) {
    std::vector<std::string> out;
    for (const Entry& entry : entries) {
      out.push_back(entry.removed ? "-" + entry.key : str_cat(entry.key, "=", entry.value));
    }
    return out;
  }

  Revision revision() {
    Revision as_of = 0;
    EXPECT_TRUE(store_->list("", as_of).ok());
    return as_of;
  }

  test::TempDir directory_;
  std::unique_ptr<ConfigStore> store_;
};

using Texts = std::vector<std::string>;

TEST_P(StoreContract, ANewStoreIsEmptyAndHasAnIdentity) {
  EXPECT_EQ(listed(""), Texts());
  EXPECT_NE(store_->store_id(), Id128{});
}

TEST_P(StoreContract, ListsAPrefixInKeyOrderAsOfOneRevision) {
  put("nodes/b/config", "2");
  put("nodes/a/config", "1");
  const Revision last = put("other", "x");
  Revision as_of = 0;
  const auto entries = store_->list("nodes/", as_of).value();
  EXPECT_EQ(texts(entries), Texts({"nodes/a/config=1", "nodes/b/config=2"}));
  EXPECT_EQ(as_of, last);
  EXPECT_GT(entries[0].modified, entries[1].modified);
}

TEST_P(StoreContract, RevisionsOnlyGrow) {
  const Revision first = put("a", "1");
  const Revision second = put("a", "1");
  const Revision third = remove("a");
  const Revision fourth = put("a", "1");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_LT(third, fourth);
}

TEST_P(StoreContract, KeepsAnyBytesInValues) {
  const std::string bytes("\0\xff\n\"", 4);
  put("key", bytes);
  EXPECT_EQ(listed(""), Texts({"key=" + bytes}));
}

TEST_P(StoreContract, ACommitOfManyChangesIsAllOrNothing) {
  const Revision at = put("a", "1");
  const std::vector<Change> bad = {{"b", "2"}, {.key = "a", .value = "3", .if_absent = true}};
  const auto refused = store_->commit(bad);
  EXPECT_EQ(refused.status().to_string(),
            str_cat("conflict: commit to the store, key \"a\": exists already, since revision ", at));
  EXPECT_EQ(listed(""), Texts({"a=1"}));
  const std::vector<Change> good = {{"b", "2"}, {"a", std::nullopt}, {"c", "3"}};
  const Revision together = store_->commit(good).value();
  Revision as_of = 0;
  const std::vector<Entry> entries = store_->list("", as_of).value();
  for (const Entry& entry : entries) {
    EXPECT_EQ(entry.modified, together);
  }
  EXPECT_EQ(listed(""), Texts({"b=2", "c=3"}));
}

TEST_P(StoreContract, CompareAndSetNamesTheKeyAndBothRevisions) {
  const Revision at = put("a", "1");
  const Revision now = put("a", "2");
  const std::vector<Change> stale = {{"a", "3", at}};
  EXPECT_EQ(store_->commit(stale).status().to_string(),
            str_cat("conflict: commit to the store, key \"a\": expected revision ", at, ", it has ", now));
  const std::vector<Change> missing = {{"b", "3", at}};
  EXPECT_EQ(store_->commit(missing).status().to_string(),
            str_cat("conflict: commit to the store, key \"b\": expected revision ", at, ", it is not there"));
  const std::vector<Change> right = {{"a", "3", now}};
  EXPECT_TRUE(store_->commit(right).ok());
  EXPECT_EQ(listed(""), Texts({"a=3"}));
}

TEST_P(StoreContract, RefusesWhatIsTooLargeOrNoChangeAtAll) {
  EXPECT_EQ(store_->commit({}).status().to_string(), "invalid: commit to the store: nothing to commit");
  const std::vector<Change> no_key = {{"", "x"}};
  EXPECT_EQ(store_->commit(no_key).status().to_string(),
            "invalid: commit to the store, key \"\": a key has 1 to 1024 bytes");
  const std::vector<Change> large = {{"a", std::string(kMaxValueBytes + 1, 'x')}};
  EXPECT_EQ(store_->commit(large).status().to_string(),
            "invalid: commit to the store, key \"a\": the value has 1048577 bytes, the limit is 1048576");
  const std::vector<Change> twice = {{"a", "1"}, {"a", "2"}};
  EXPECT_EQ(store_->commit(twice).status().to_string(),
            "invalid: commit to the store, key \"a\": given twice in one commit");
  EXPECT_EQ(listed(""), Texts());
}

TEST_P(StoreContract, TellsChangesAndRemovalsInOrder) {
  const Revision start = revision();
  put("a", "1");
  const Revision middle = put("b", "2");
  put("c", "3");
  remove("a");
  put("b", "4");
  EXPECT_EQ(changed_since(start), Texts({"c=3", "-a", "b=4"}));
  EXPECT_EQ(changed_since(middle), Texts({"c=3", "-a", "b=4"}));
  EXPECT_EQ(changed_since(revision()), Texts());
}

TEST_P(StoreContract, AKeyThatCameBackIsNoRemoval) {
  const Revision start = revision();
  put("a", "1");
  remove("a");
  put("a", "2");
  EXPECT_EQ(changed_since(start), Texts({"a=2"}));
}

TEST_P(StoreContract, ARevisionOfAnotherStoreIsGone) {
  EXPECT_EQ(store_->changes_since(revision() + 1'000'000'000, Wait::for_duration(0s)).status().code(), Code::kGone);
}

TEST_P(StoreContract, AWaiterWakesAtTheCommit) {
  const Revision start = put("a", "1");
  std::vector<Entry> seen;
  Thread waiter("waiter", [this, start, &seen] { seen = store_->changes_since(start, Wait{}).value(); });
  put("b", "2");
  waiter.join();
  EXPECT_EQ(texts(seen), Texts({"b=2"}));
}

TEST_P(StoreContract, StopEndsAWaitWithoutChanges) {
  StopSource stop;
  const Revision start = revision();
  std::vector<Entry> seen = {{"x", "y"}};
  Thread waiter("waiter", [this, start, &seen, token = stop.token()] {
    seen = store_->changes_since(start, Wait{TimePoint::max(), token}).value();
  });
  stop.request_stop();
  waiter.join();
  EXPECT_TRUE(seen.empty());
}

TEST_P(StoreContract, CommitsOfManyThreadsAllHappenOnce) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20;
  std::vector<Thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back("writer", [this, t] {
      for (int i = 0; i < kEach; ++i) {
        put(str_cat("k", t, ".", i), "v");
      }
    });
  }
  for (Thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(listed("k").size(), static_cast<size_t>(kThreads * kEach));
}

class DurableStoreContract : public StoreContract {};

TEST_P(DurableStoreContract, ComesBackWhole) {
  put("a", "1");
  put("b", "2");
  remove("a");
  const Id128 id = store_->store_id();
  Revision as_of = 0;
  const auto before = store_->list("", as_of).value();
  const Revision then = as_of;
  open();
  EXPECT_EQ(store_->store_id(), id);
  const auto after = store_->list("", as_of).value();
  ASSERT_EQ(texts(after), texts(before));
  EXPECT_EQ(after[0].modified, before[0].modified);
  EXPECT_GE(as_of, then);
  EXPECT_GT(put("c", "3"), then);
}

std::unique_ptr<ConfigStore> open_dir_store(const std::string& directory) {
  std::vector<std::string> reports;
  auto store = DirStore::open(directory + "/store", reports);
  EXPECT_TRUE(store.ok()) << store.status().to_string();
  EXPECT_EQ(reports, std::vector<std::string>());
  return store.ok() ? std::move(*store) : nullptr;
}

std::string kind_name(const testing::TestParamInfo<Kind>& info) { return info.param.name; }

const Kind kMemory = {"memory", [](const std::string&) { return std::make_unique<MemoryStore>(random_id()); }};
const Kind kDirectory = {"dir", open_dir_store};

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, testing::Values(kMemory, kDirectory), kind_name);
INSTANTIATE_TEST_SUITE_P(Stores, DurableStoreContract, testing::Values(kDirectory), kind_name);

}  // namespace
}  // namespace flume::master
