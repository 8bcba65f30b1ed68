#include "common/event/ack.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/base/thread.h"

namespace flume {
namespace {

TEST(AckTracker, StartsWhereItIsTold) {
  const auto tracker = AckTracker::create(700);
  EXPECT_EQ(tracker->settled(), 700u);
  EXPECT_EQ(tracker->first_failed(), std::nullopt);
}

TEST(AckTracker, MovesOnlyWithoutAGap) {
  const auto tracker = AckTracker::create(0);
  const AckToken a = tracker->issue(10, 1);
  const AckToken b = tracker->issue(20, 2);
  const AckToken c = tracker->issue(30, 1);
  c.settle(1, Outcome::kDelivered);
  b.settle(1, Outcome::kDelivered);
  EXPECT_EQ(tracker->settled(), 0u);
  a.settle(1, Outcome::kDropped, "filtered");
  EXPECT_EQ(tracker->settled(), 10u);
  b.settle(1, Outcome::kDropped, "filtered");
  EXPECT_EQ(tracker->settled(), 30u);
  EXPECT_EQ(tracker->first_failed(), std::nullopt);
}

TEST(AckTracker, RowsUnsettledAtTheLastCopyAreNotDelivered) {
  const auto tracker = AckTracker::create(0);
  AckToken a = tracker->issue(10, 3);
  {
    const AckToken copy = a;
    copy.settle(1, Outcome::kDelivered);
  }
  EXPECT_EQ(tracker->first_failed(), std::nullopt);
  a = AckToken();
  EXPECT_EQ(tracker->first_failed(), 0u);
  EXPECT_EQ(tracker->settled(), 0u);
  EXPECT_EQ(tracker->counts().delivered_rows, 1u);
  EXPECT_EQ(tracker->counts().not_delivered_rows, 2u);
}

TEST(AckTracker, StaysAtTheFirstFailureUntilTheSourceWentBack) {
  const auto tracker = AckTracker::create(0);
  const AckToken a = tracker->issue(10, 1);
  const AckToken b = tracker->issue(20, 1);
  const AckToken c = tracker->issue(30, 1);
  b.settle(1, Outcome::kNotDelivered);
  EXPECT_EQ(tracker->first_failed(), 10u);
  c.settle(1, Outcome::kDelivered);
  a.settle(1, Outcome::kDelivered);
  EXPECT_EQ(tracker->settled(), 10u);
  tracker->rewound();
  EXPECT_EQ(tracker->first_failed(), std::nullopt);
  const AckToken again = tracker->issue(20, 1);
  again.settle(1, Outcome::kDelivered);
  EXPECT_EQ(tracker->settled(), 20u);
}

TEST(AckTracker, CountsLateSettlesAfterTheSourceWentBackWithoutMoving) {
  const auto tracker = AckTracker::create(0);
  const AckToken late = tracker->issue(10, 2);
  tracker->rewound();
  const AckToken again = tracker->issue(10, 2);
  late.settle(1, Outcome::kDelivered);
  late.settle(1, Outcome::kNotDelivered);
  EXPECT_EQ(tracker->settled(), 0u);
  EXPECT_EQ(tracker->first_failed(), std::nullopt);
  EXPECT_EQ(tracker->counts().delivered_rows, 1u);
  EXPECT_EQ(tracker->counts().not_delivered_rows, 1u);
  again.settle(2, Outcome::kDelivered);
  EXPECT_EQ(tracker->settled(), 10u);
}

TEST(AckTracker, BytesAddUpToWhatWasIssued) {
  const auto tracker = AckTracker::create(0);
  const AckToken a = tracker->issue(10, 4, 100);
  a.settle(1, Outcome::kDelivered, {}, 30);
  a.settle(1, Outcome::kDropped, "mask", 30);
  a.settle(1, Outcome::kDropped, "regex", 90);  // a decorator made the bodies longer
  a.settle(1, Outcome::kDelivered, {}, 5);
  const AckToken b = tracker->issue(20, 2, 50);
  b.settle(1, Outcome::kDelivered);
  b.settle(1, Outcome::kNotDelivered);  // the last gets what remains
  const AckCounts counts = tracker->counts();
  EXPECT_EQ(counts.issued_rows, 6u);
  EXPECT_EQ(counts.issued_bytes, 150u);
  EXPECT_EQ(counts.delivered_bytes, 30u);
  EXPECT_EQ(counts.not_delivered_bytes, 50u);
  EXPECT_EQ(counts.dropped.at("mask"), std::make_pair(uint64_t{1}, uint64_t{30}));
  EXPECT_EQ(counts.dropped.at("regex"), std::make_pair(uint64_t{1}, uint64_t{40}));
}

TEST(AckTracker, ATokenWithoutRowsMovesThePosition) {
  const auto tracker = AckTracker::create(0);
  int calls = 0;
  tracker->on_change([&calls] { ++calls; });
  EXPECT_EQ(tracker->issue(5, 0).owed(), 0u);
  EXPECT_EQ(tracker->settled(), 5u);
  const AckToken a = tracker->issue(10, 1);
  const AckToken skipped = tracker->issue(20, 0);
  EXPECT_EQ(tracker->settled(), 5u);
  a.settle(1, Outcome::kDelivered);
  EXPECT_EQ(tracker->settled(), 20u);
  EXPECT_EQ(calls, 2);
}

TEST(AckTracker, CallsBackWhenSomethingMovedOnly) {
  const auto tracker = AckTracker::create(0);
  int calls = 0;
  tracker->on_change([&calls] { ++calls; });
  const AckToken a = tracker->issue(10, 2);
  const AckToken b = tracker->issue(20, 1);
  b.settle(1, Outcome::kDelivered);
  a.settle(1, Outcome::kDelivered);
  EXPECT_EQ(calls, 0);
  a.settle(1, Outcome::kNotDelivered);
  EXPECT_EQ(calls, 1);
}

TEST(AckToken, OwesNobodyByDefault) {
  const AckToken none;
  none.settle(5, Outcome::kDelivered);
  none.expect(5);
  EXPECT_EQ(none.owed(), 0u);
}

TEST(AckToken, FanOutOwesEveryBranch) {
  const auto tracker = AckTracker::create(0);
  const AckToken a = tracker->issue(10, 3);
  a.expect(3);
  EXPECT_EQ(a.owed(), 6u);
  a.settle(3, Outcome::kDelivered);
  EXPECT_EQ(tracker->settled(), 0u);
  a.settle(3, Outcome::kDropped, "backup");
  EXPECT_EQ(tracker->settled(), 10u);
  const AckCounts counts = tracker->counts();
  EXPECT_EQ(counts.issued_rows + counts.expected_rows, counts.delivered_rows + counts.dropped.at("backup").first);
}

TEST(AckToken, AJoinedTokenSettlesItsParentsWithTheWorstOutcome) {
  const auto tracker = AckTracker::create(0);
  std::vector<AckToken> parents{tracker->issue(10, 3), tracker->issue(20, 4), AckToken()};
  const AckToken joined = AckToken::join(parents, 2);
  parents.clear();
  joined.settle(1, Outcome::kDropped, "too old");
  EXPECT_EQ(tracker->settled(), 0u);
  joined.settle(1, Outcome::kDelivered);
  EXPECT_EQ(tracker->settled(), 20u);
  EXPECT_EQ(tracker->counts().dropped.at("too old").first, 7u);
}

TEST(AckToken, AJoinedTokenThatDiesDeliversNothing) {
  const auto tracker = AckTracker::create(0);
  {
    std::vector<AckToken> parents{tracker->issue(10, 3)};
    const AckToken joined = AckToken::join(parents, 1);
  }
  EXPECT_EQ(tracker->first_failed(), 0u);
  EXPECT_EQ(tracker->counts().not_delivered_rows, 3u);
}

TEST(AckToken, ACutBatchIsSettledInShares) {
  const auto tracker = AckTracker::create(0);
  const AckToken parent = tracker->issue(10, 5, 50);
  const AckToken first = AckToken::join(std::vector<AckToken::Share>{{parent, 2, 20}}, 1);
  const AckToken second = AckToken::join(std::vector<AckToken::Share>{{parent, 3, 30}}, 1);
  first.settle(1, Outcome::kDelivered);
  EXPECT_EQ(parent.owed(), 3u);
  EXPECT_EQ(tracker->counts().delivered_bytes, 20u);
  second.settle(1, Outcome::kDelivered);
  EXPECT_EQ(tracker->settled(), 10u);
}

TEST(AckToken, AJoinedTokenCanFanOut) {
  const auto tracker = AckTracker::create(0);
  std::vector<AckToken> parents{tracker->issue(10, 3)};
  const AckToken joined = AckToken::join(parents, 1);
  joined.expect(1);
  joined.settle(1, Outcome::kDelivered);
  EXPECT_EQ(tracker->settled(), 0u);
  joined.settle(1, Outcome::kDelivered);
  EXPECT_EQ(tracker->settled(), 10u);
}

TEST(AckTokenDeathTest, SettlingMoreRowsThanOwedIsABrokenInvariant) {
  const auto tracker = AckTracker::create(0);
  const AckToken a = tracker->issue(10, 1);
  EXPECT_DEATH(a.settle(2, Outcome::kDelivered), "more rows of a token settled than it owes");
}

TEST(AckTracker, ManyThreadsSettleEveryRowOnce) {
  const auto tracker = AckTracker::create(0);
  constexpr uint32_t kThreads = 4;
  constexpr uint32_t kTokens = 500;
  std::vector<AckToken> tokens;
  for (uint32_t i = 0; i < kTokens; ++i) {
    tokens.push_back(tracker->issue((i + 1) * 10, kThreads));
  }
  uint64_t seen = 0;
  tracker->on_change([&seen, &tracker] { seen = std::max(seen, tracker->settled()); });
  std::vector<Thread> threads;
  for (uint32_t t = 0; t < kThreads; ++t) {
    threads.emplace_back("settle", [mine = tokens, t] {
      for (uint32_t i = 0; i < kTokens; ++i) {
        const AckToken& token = mine[(i * 7 + t * 31) % kTokens];
        if (t == 0) {
          AckToken::join(std::span<const AckToken>(), 1).settle(1, Outcome::kDelivered);
        }
        token.settle(1, t % 2 == 0 ? Outcome::kDelivered : Outcome::kDropped, "odd");
      }
    });
  }
  tokens.clear();
  for (Thread& thread : threads) {
    thread.join();
  }
  tracker->on_change(nullptr);
  EXPECT_EQ(tracker->settled(), kTokens * 10u);
  EXPECT_EQ(seen, kTokens * 10u);
  EXPECT_EQ(tracker->counts().delivered_rows, kTokens * 2u);
  EXPECT_EQ(tracker->counts().dropped.at("odd").first, kTokens * 2u);
}

}  // namespace
}  // namespace flume
