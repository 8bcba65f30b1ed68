#include "common/event/ack.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/sync.h"

namespace flume {
namespace internal {

// What a token points to: the rows owed, behind an intrusive count of copies. Two kinds: issued by a tracker (its
// fields are guarded by the tracker's mutex, so that a settle takes one lock), and joined over parents (own mutex).
class AckState {
 public:
  virtual ~AckState() = default;
  virtual void settle(uint32_t rows, Outcome outcome, std::string_view reason, uint64_t bytes) = 0;
  virtual void settle_rest(Outcome outcome, std::string_view reason) = 0;  // every row still owed
  virtual void expect(uint32_t more_rows) = 0;
  virtual uint32_t owed() = 0;
  virtual std::shared_ptr<const std::string> note() = 0;

  void add_copy() { copies_.fetch_add(1, std::memory_order_relaxed); }
  void drop_copy() {
    if (copies_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      settle_rest(Outcome::kNotDelivered, {});
      const std::unique_ptr<AckState> last(this);
    }
  }

 private:
  std::atomic<uint32_t> copies_{1};
};

}  // namespace internal

namespace {

constexpr uint32_t kAllOwed = UINT32_MAX;

class Joined : public internal::AckState {
 public:
  Joined(std::vector<AckToken::Share> parents, uint32_t rows)
      : parents_(std::move(parents)), note_(parents_.empty() ? nullptr : parents_.back().token.note()), owed_(rows) {}

  void settle(uint32_t rows, Outcome outcome, std::string_view reason, uint64_t) override {
    {
      MutexLock lock(mutex_);
      FLUME_CHECK(rows <= owed_, "more rows of a joined token settled than it owes");
      if (!account(rows, outcome, reason)) {
        return;
      }
    }
    settle_parents();
  }

  void settle_rest(Outcome outcome, std::string_view reason) override {
    {
      MutexLock lock(mutex_);
      if (owed_ == 0 || !account(owed_, outcome, reason)) {
        return;
      }
    }
    settle_parents();
  }

  void expect(uint32_t more_rows) override {
    MutexLock lock(mutex_);
    FLUME_CHECK(owed_ > 0 || more_rows == 0, "rows expected of a joined token that is settled");
    owed_ += more_rows;
  }

  uint32_t owed() override {
    MutexLock lock(mutex_);
    return owed_;
  }

  std::shared_ptr<const std::string> note() override { return note_; }

 private:
  bool account(uint32_t rows, Outcome outcome, std::string_view reason) FLUME_REQUIRES(mutex_) {
    owed_ -= rows;
    if (outcome > worst_ || (outcome == worst_ && reason_.empty())) {
      worst_ = outcome;
      reason_.assign(reason);
    }
    return rows > 0 && owed_ == 0;
  }

  // Called once, by whoever settled the last row; nobody writes any more, and parents have locks of their own.
  void settle_parents() FLUME_NO_THREAD_SAFETY_ANALYSIS {
    for (const AckToken::Share& parent : parents_) {
      if (parent.rows == kAllOwed) {
        parent.token.settle_rest(worst_, reason_);
      } else {
        parent.token.settle(parent.rows, worst_, reason_, parent.bytes);
      }
    }
    parents_.clear();
  }

  std::vector<AckToken::Share> parents_;  // touched by the last settler only
  const std::shared_ptr<const std::string> note_;
  Mutex mutex_;
  uint32_t owed_ FLUME_GUARDED_BY(mutex_);
  Outcome worst_ FLUME_GUARDED_BY(mutex_) = Outcome::kDelivered;
  std::string reason_ FLUME_GUARDED_BY(mutex_);
};

}  // namespace

// Tokens that are not finished stand in a list in the order of issue; a finished one leaves it at once, so the start of
// the first in the list is the settled position, and memory is bounded by what is outstanding. Of failed tokens only
// the lowest start is kept: nothing behind it can count before the source went back to it.
struct AckTracker::Impl {
  class Issued : public internal::AckState {
   public:
    Issued(std::shared_ptr<AckTracker> tracker, uint64_t start, uint32_t rows, uint64_t bytes,
           std::shared_ptr<const std::string> note)
        : tracker_(std::move(tracker)), note_(std::move(note)), start_(start), owed_(rows), bytes_left_(bytes) {}

    void settle(uint32_t rows, Outcome outcome, std::string_view reason, uint64_t bytes) override {
      tracker_->impl_->settle(*this, rows, false, outcome, reason, bytes);
    }
    void settle_rest(Outcome outcome, std::string_view reason) override {
      tracker_->impl_->settle(*this, 0, true, outcome, reason, UINT64_MAX);
    }
    void expect(uint32_t more_rows) override { tracker_->impl_->expect(*this, more_rows); }
    uint32_t owed() override {
      MutexLock lock(tracker_->impl_->mutex);
      return owed_;
    }
    std::shared_ptr<const std::string> note() override { return note_; }

   private:
    friend struct Impl;
    const std::shared_ptr<AckTracker> tracker_;
    const std::shared_ptr<const std::string> note_;
    // All below is guarded by the tracker's mutex.
    Issued* before_ = nullptr;
    Issued* after_ = nullptr;
    const uint64_t start_;
    uint32_t owed_;
    bool failed_ = false;
    bool listed_ = false;
    uint64_t bytes_left_;
  };

  explicit Impl(uint64_t start) : end(start) {}

  uint64_t settled_locked() const FLUME_REQUIRES(mutex) {
    const uint64_t reached = first ? first->start_ : end;
    return failed ? std::min(reached, *failed) : reached;
  }

  void list(Issued& token) FLUME_REQUIRES(mutex) {
    token.before_ = last;
    (last ? last->after_ : first) = &token;
    last = &token;
    token.listed_ = true;
  }

  void unlist(Issued& token) FLUME_REQUIRES(mutex) {
    (token.before_ ? token.before_->after_ : first) = token.after_;
    (token.after_ ? token.after_->before_ : last) = token.before_;
    token.before_ = token.after_ = nullptr;
    token.listed_ = false;
  }

  void count(uint32_t rows, uint64_t bytes, Outcome outcome, std::string_view reason) FLUME_REQUIRES(mutex) {
    switch (outcome) {
      case Outcome::kDelivered:
        totals.delivered_rows += rows;
        totals.delivered_bytes += bytes;
        return;
      case Outcome::kNotDelivered:
        totals.not_delivered_rows += rows;
        totals.not_delivered_bytes += bytes;
        return;
      case Outcome::kDropped: break;
    }
    auto& [dropped_rows, dropped_bytes] = totals.dropped[std::string(reason)];
    dropped_rows += rows;
    dropped_bytes += bytes;
  }

  void settle(Issued& token, uint32_t rows, bool all, Outcome outcome, std::string_view reason, uint64_t bytes) {
    bool moved = false;
    {
      MutexLock lock(mutex);
      rows = all ? token.owed_ : rows;
      if (rows == 0) {
        return;
      }
      FLUME_CHECK(rows <= token.owed_, "more rows of a token settled than it owes");
      token.owed_ -= rows;
      bytes = token.owed_ == 0 ? token.bytes_left_ : std::min(bytes, token.bytes_left_);
      token.bytes_left_ -= bytes;
      count(rows, bytes, outcome, reason);
      moved = advance(token, outcome == Outcome::kNotDelivered);
    }
    if (moved) {
      notify();
    }
  }

  // After rows of `token` were settled: true when settled() or first_failed() moved.
  bool advance(Issued& token, bool not_delivered) FLUME_REQUIRES(mutex) {
    if (!token.listed_) {
      return false;  // the source went back before it: only counted
    }
    const uint64_t settled_before = settled_locked();
    const std::optional<uint64_t> failed_before = failed;
    if (not_delivered && !token.failed_) {
      token.failed_ = true;
      failed = failed ? std::min(*failed, token.start_) : token.start_;
    }
    if (token.owed_ == 0) {
      unlist(token);
    }
    return settled_locked() != settled_before || failed != failed_before;
  }

  void expect(Issued& token, uint32_t more_rows) {
    MutexLock lock(mutex);
    FLUME_CHECK(token.owed_ > 0 || more_rows == 0, "rows expected of a token that is settled");
    token.owed_ += more_rows;
    totals.expected_rows += more_rows;
  }

  void notify() {
    MutexLock lock(callback_mutex);
    if (callback) {
      callback();
    }
  }

  Mutex mutex;                           // never held together with callback_mutex
  uint64_t end FLUME_GUARDED_BY(mutex);  // of the token issued last
  Issued* first FLUME_GUARDED_BY(mutex) = nullptr;
  Issued* last FLUME_GUARDED_BY(mutex) = nullptr;
  std::optional<uint64_t> failed FLUME_GUARDED_BY(mutex);
  AckCounts totals FLUME_GUARDED_BY(mutex);

  Mutex callback_mutex;  // held during the call: when on_change() returns, the old callback does not run any more
  std::function<void()> callback FLUME_GUARDED_BY(callback_mutex);
};

AckTracker::AckTracker(uint64_t start_position) : impl_(std::make_unique<Impl>(start_position)) {}
AckTracker::~AckTracker() = default;

std::shared_ptr<AckTracker> AckTracker::create(uint64_t start_position) {
  struct Constructible : AckTracker {
    explicit Constructible(uint64_t start) : AckTracker(start) {}
  };
  return std::make_shared<Constructible>(start_position);
}

AckToken AckTracker::issue(uint64_t end_position, uint32_t rows, uint64_t bytes,
                           std::shared_ptr<const std::string> note) {
  bool moved = false;
  AckToken token;
  {
    MutexLock lock(impl_->mutex);
    FLUME_CHECK(rows > 0 ? end_position > impl_->end : end_position >= impl_->end, "positions of tokens must grow");
    FLUME_CHECK(rows > 0 || bytes == 0, "bytes without rows");
    if (rows == 0) {  // nothing owed: the position moves as far as everything before is settled
      const uint64_t settled_before = impl_->settled_locked();
      impl_->end = end_position;
      moved = impl_->settled_locked() != settled_before;
    } else {
      auto state = std::make_unique<Impl::Issued>(shared_from_this(), impl_->end, rows, bytes, std::move(note));
      impl_->list(*state);
      impl_->end = end_position;
      impl_->totals.issued_rows += rows;
      impl_->totals.issued_bytes += bytes;
      token = AckToken(state.release());
    }
  }
  if (moved) {
    impl_->notify();
  }
  return token;
}

uint64_t AckTracker::settled() const {
  MutexLock lock(impl_->mutex);
  return impl_->settled_locked();
}

std::optional<uint64_t> AckTracker::first_failed() const {
  MutexLock lock(impl_->mutex);
  return impl_->failed;
}

void AckTracker::rewound() {
  MutexLock lock(impl_->mutex);
  impl_->end = impl_->settled_locked();
  while (impl_->first) {
    impl_->unlist(*impl_->first);
  }
  impl_->failed.reset();
}

AckCounts AckTracker::counts() const {
  MutexLock lock(impl_->mutex);
  return impl_->totals;
}

void AckTracker::on_change(std::function<void()> callback) {
  MutexLock lock(impl_->callback_mutex);
  impl_->callback = std::move(callback);
}

AckToken::AckToken(const AckToken& other) noexcept : state_(other.state_) {
  if (state_) {
    state_->add_copy();
  }
}

AckToken::AckToken(AckToken&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}

AckToken& AckToken::operator=(AckToken other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

AckToken::~AckToken() {
  if (state_) {
    state_->drop_copy();
  }
}

void AckToken::settle(uint32_t rows, Outcome outcome, std::string_view drop_reason, uint64_t bytes) const {
  if (state_ && rows > 0) {
    state_->settle(rows, outcome, drop_reason, bytes);
  }
}

void AckToken::settle_rest(Outcome outcome, std::string_view drop_reason) const {
  if (state_) {
    state_->settle_rest(outcome, drop_reason);
  }
}

void AckToken::expect(uint32_t more_rows) const {
  if (state_) {
    state_->expect(more_rows);
  }
}

std::shared_ptr<const std::string> AckToken::note() const { return state_ ? state_->note() : nullptr; }

uint32_t AckToken::owed() const { return state_ ? state_->owed() : 0; }

AckToken AckToken::join(std::span<const AckToken> parents, uint32_t rows) {
  std::vector<Share> shares;
  shares.reserve(parents.size());
  for (const AckToken& parent : parents) {
    shares.push_back({parent, kAllOwed, 0});
  }
  return join(shares, rows);
}

AckToken AckToken::join(std::span<const Share> parents, uint32_t rows) {
  FLUME_CHECK(rows > 0, "a joined token needs rows");
  std::vector<Share> kept;
  kept.reserve(parents.size());
  for (const Share& parent : parents) {
    if (parent.token.state_) {
      kept.push_back(parent);
    }
  }
  return AckToken(std::make_unique<Joined>(std::move(kept), rows).release());
}

}  // namespace flume
