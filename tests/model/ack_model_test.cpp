// AckTracker and AckToken against a naive model: random issues, copies, fan-outs, joins, settlements, lost copies and
// rewinds; after each step positions and counts agree.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <thread>
#include <vector>

#include "common/base/random.h"
#include "common/event/ack.h"

namespace flume {
namespace {

// What one token owes and to whom. Told in the plainest way: every token ever issued stays in a list.
struct Model {
  struct Token {
    uint32_t owed = 0;
    uint32_t promised = 0;  // of those, handed over to joined tokens
    uint32_t copies = 1;    // of the handle, and those that joined tokens hold
    Outcome worst = Outcome::kDelivered;
    std::vector<std::pair<size_t, uint32_t>> parents;  // joined: token, rows
    bool is_issued = false;
    uint64_t start = 0, end = 0;
    bool failed = false;
    bool forgotten = false;  // the source went back before it
  };

  uint64_t settled() const {
    uint64_t reached = start;
    for (const Token& token : tokens) {
      if (!token.is_issued || token.forgotten) {
        continue;
      }
      if (token.owed > 0 || token.failed) {
        return token.start;
      }
      reached = token.end;
    }
    return reached;
  }
  std::optional<uint64_t> first_failed() const {
    for (const Token& token : tokens) {
      if (token.is_issued && !token.forgotten && token.failed) {
        return token.start;
      }
    }
    return std::nullopt;
  }
  void settle(size_t id, uint32_t rows, Outcome outcome) {
    if (rows == 0) {
      return;
    }
    Token& token = tokens[id];
    token.owed -= rows;
    token.worst = std::max(token.worst, outcome);
    if (token.is_issued) {
      counts[outcome] += rows;
      token.failed = token.failed || outcome == Outcome::kNotDelivered;
    } else if (token.owed == 0) {
      const auto parents = std::exchange(token.parents, {});
      const Outcome worst = token.worst;
      for (const auto& [parent, share] : parents) {
        tokens[parent].promised -= share;
        settle(parent, share, worst);
      }
      for (const auto& parent : parents) {
        drop_copy(parent.first);
      }
    }
  }
  void drop_copy(size_t id) {
    if (--tokens[id].copies == 0) {
      settle(id, tokens[id].owed, Outcome::kNotDelivered);
    }
  }
  // What is finished for good becomes part of the start, so that the list stays short.
  void rewound() {
    start = settled();
    for (Token& token : tokens) {
      token.forgotten = true;
    }
  }

  uint64_t start = 0;
  uint64_t issued = 0, expected = 0;
  std::vector<Token> tokens;
  std::map<Outcome, uint64_t> counts;
};

class Actor {
 public:
  explicit Actor(uint64_t seed) : random_(seed), position_(random_() % 1000) {
    tracker_ = AckTracker::create(position_);
    model_.start = position_;
  }

  void step() {
    switch (below(12)) {
      case 0:
      case 1:
      case 2: issue(); break;
      case 3: copy(); break;
      case 4: fan_out(); break;
      case 5:
      case 6: join(); break;
      case 7: drop(); break;
      case 8:
        if (below(8) == 0) {
          rewind();
        }
        break;
      default: settle(); break;
    }
  }

  void finish() {
    while (!handles_.empty()) {
      remove(below(handles_.size()));
    }
  }

  void check() const {
    ASSERT_EQ(tracker_->settled(), model_.settled());
    ASSERT_EQ(tracker_->first_failed(), model_.first_failed());
    const AckCounts counts = tracker_->counts();
    ASSERT_EQ(counts.issued_rows, model_.issued);
    ASSERT_EQ(counts.expected_rows, model_.expected);
    ASSERT_EQ(counts.delivered_rows, count(Outcome::kDelivered));
    ASSERT_EQ(counts.not_delivered_rows, count(Outcome::kNotDelivered));
    uint64_t dropped = 0, dropped_bytes = 0;
    for (const auto& [reason, amount] : counts.dropped) {
      dropped += amount.first;
      dropped_bytes += amount.second;
    }
    ASSERT_EQ(dropped, count(Outcome::kDropped));
    uint64_t owed = 0;
    for (const Model::Token& token : model_.tokens) {
      owed += token.is_issued ? token.owed : 0;
    }
    ASSERT_EQ(counts.issued_rows + counts.expected_rows,
              counts.delivered_rows + counts.not_delivered_rows + dropped + owed);
    if (owed == 0) {
      ASSERT_EQ(counts.issued_bytes, counts.delivered_bytes + counts.not_delivered_bytes + dropped_bytes);
    }
  }

 private:
  struct Handle {
    AckToken token;
    size_t id;
  };

  uint64_t below(uint64_t n) { return random_() % n; }
  uint64_t count(Outcome outcome) const {
    const auto at = model_.counts.find(outcome);
    return at == model_.counts.end() ? 0 : at->second;
  }
  Outcome outcome() {
    return below(10) < 7 ? Outcome::kDelivered : below(2) == 0 ? Outcome::kDropped : Outcome::kNotDelivered;
  }
  uint32_t free_rows(size_t id) const { return model_.tokens[id].owed - model_.tokens[id].promised; }
  size_t add(Model::Token token, AckToken real) {
    model_.tokens.push_back(std::move(token));
    handles_.push_back({std::move(real), model_.tokens.size() - 1});
    return model_.tokens.size() - 1;
  }

  void issue() {
    const auto rows = static_cast<uint32_t>(below(5));
    const uint64_t from = position_;
    position_ += rows == 0 ? below(3) : 1 + below(20);
    Model::Token token;
    token.owed = rows;
    token.is_issued = true;
    token.start = from;
    token.end = position_;
    model_.issued += rows;
    const AckToken real = tracker_->issue(position_, rows, rows == 0 ? 0 : below(100));
    if (rows > 0) {
      add(token, real);
    } else {
      model_.tokens.push_back(token);  // owes nothing; nobody holds it
    }
  }

  void copy() {
    if (!handles_.empty()) {
      const Handle& from = handles_[below(handles_.size())];
      ++model_.tokens[from.id].copies;
      handles_.push_back(Handle(from));
    }
  }

  void fan_out() {
    if (handles_.empty()) {
      return;
    }
    const Handle& handle = handles_[below(handles_.size())];
    Model::Token& token = model_.tokens[handle.id];
    if (token.owed > 0) {
      const auto more = static_cast<uint32_t>(below(4));
      handle.token.expect(more);
      token.owed += more;
      model_.expected += token.is_issued ? more : 0;
    }
  }

  // A new token over some of the free rows of a few others.
  void join() {
    std::vector<AckToken::Share> shares;
    Model::Token joined;
    for (size_t tries = 0; tries < 3 && !handles_.empty(); ++tries) {
      const Handle& parent = handles_[below(handles_.size())];
      const uint32_t free = free_rows(parent.id);
      if (free > 0) {
        const auto rows = static_cast<uint32_t>(1 + below(free));
        shares.push_back({parent.token, rows, below(10)});
        joined.parents.emplace_back(parent.id, rows);
        model_.tokens[parent.id].promised += rows;
        ++model_.tokens[parent.id].copies;
      }
    }
    if (!shares.empty()) {
      joined.owed = static_cast<uint32_t>(1 + below(4));
      const uint32_t rows = joined.owed;
      add(std::move(joined), AckToken::join(shares, rows));
    }
  }

  void settle() {
    if (handles_.empty()) {
      return;
    }
    const Handle handle = handles_[below(handles_.size())];
    const uint32_t free = free_rows(handle.id);
    if (free > 0) {
      const auto rows = static_cast<uint32_t>(1 + below(free));
      const Outcome how = outcome();
      handle.token.settle(rows, how, how == Outcome::kDropped ? "test" : "", below(30));
      model_.settle(handle.id, rows, how);
    }
  }

  void drop() {
    if (!handles_.empty()) {
      remove(below(handles_.size()));
    }
  }

  void remove(size_t i) {
    const size_t id = handles_[i].id;
    std::swap(handles_[i], handles_.back());
    handles_.pop_back();
    model_.drop_copy(id);
  }

  void rewind() {
    tracker_->rewound();
    model_.rewound();
    position_ = model_.start;
  }

  Random random_;
  uint64_t position_;
  std::shared_ptr<AckTracker> tracker_;
  Model model_;
  std::vector<Handle> handles_;
};

TEST(AckModel, RandomActionsAgreeWithTheNaiveModel) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Actor actor(seed);
    for (int i = 0; i < 150; ++i) {
      actor.step();
      ASSERT_NO_FATAL_FAILURE(actor.check()) << "step " << i;
    }
    actor.finish();
    ASSERT_NO_FATAL_FAILURE(actor.check()) << "at the end";
  }
}

// Batches change hands between threads: each row is settled by whoever gets it, slices of one token by several.
TEST(AckModel, ThreadsThatShareJoinedAndSplitTokensSettleEverything) {
  const auto tracker = AckTracker::create(0);
  std::vector<std::vector<AckToken>> hands(4);
  uint64_t position = 0;
  for (int i = 0; i < 400; ++i) {
    const AckToken first = tracker->issue(position += 8, 8, 80);
    const AckToken second = tracker->issue(position += 4, 4, 40);
    const AckToken::Share shares[] = {{first, 4, 40}, {second, 4, 40}};
    const AckToken joined = AckToken::join(shares, 4);
    first.expect(4);  // two branches for the half that was not joined
    for (auto& hand : hands) {
      hand.push_back(joined);
      hand.push_back(first);
      hand.push_back(first);
    }
  }
  std::vector<std::jthread> threads;
  for (auto& hand : hands) {
    threads.emplace_back([&hand] {
      for (AckToken& token : hand) {
        token.settle(1, Outcome::kDelivered);
        token = AckToken();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(tracker->settled(), position);
  const AckCounts counts = tracker->counts();
  EXPECT_EQ(counts.issued_rows + counts.expected_rows, counts.delivered_rows);
  EXPECT_EQ(counts.issued_bytes, counts.delivered_bytes);
}

}  // namespace
}  // namespace flume
