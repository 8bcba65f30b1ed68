// Who owes what, counted in rows. A batch carries an AckToken; every row of it is settled exactly once, as delivered,
// dropped (with a reason) or not delivered. Rows unsettled when the last copy of the token goes are not delivered. A
// source moves its position only as far as its AckTracker says that everything before is settled. Thread-safe.
//
// Life: a source issues a token per batch from its tracker; decorators and fan-out add or join; whoever takes
// responsibility (a durable file, the next hop's acknowledgement, an intended drop) settles.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace flume {

enum class Outcome : uint8_t { kDelivered, kDropped, kNotDelivered };  // worst wins, left to right

namespace internal {
class AckState;
}

class AckToken {
 public:
  AckToken() = default;  // owes nobody: settle() does nothing
  AckToken(const AckToken&) noexcept;
  AckToken(AckToken&&) noexcept;
  AckToken& operator=(AckToken) noexcept;
  ~AckToken();

  // Each row exactly once; more rows than are owed is a broken invariant. `bytes` are the body bytes of these rows as
  // read (EventBatch::settle fills it in); the last settle of a token is given what remains, so that bytes add up
  // exactly too.
  void settle(uint32_t rows, Outcome outcome, std::string_view drop_reason = {}, uint64_t bytes = 0) const;
  // Fan-out: rows * (branches - 1) more are owed. Before the first branch is fed.
  void expect(uint32_t more_rows) const;
  // n:m decorators (batch, unbatch, mult): a token over `rows` new rows; when all of them are settled, the worst
  // outcome settles every row still owed by the parents. The parents are handed over: settle them nowhere else.
  static AckToken join(std::span<const AckToken> parents, uint32_t rows);
  // The same where a parent's rows go to several joined tokens (a batch that was cut): each settles its own share.
  struct Share;
  static AckToken join(std::span<const Share> parents, uint32_t rows);
  void settle_rest(Outcome outcome, std::string_view drop_reason = {}) const;  // every row still owed
  uint32_t owed() const;                                                       // rows not settled yet
  // What the source said of its read position behind these rows (issue()); of a joined token the last parent's. Null:
  // it said nothing.
  std::shared_ptr<const std::string> note() const;

 private:
  friend class AckTracker;
  explicit AckToken(internal::AckState* state) : state_(state) {}
  internal::AckState* state_ = nullptr;  // intrusive count; one pointer, because a token rides on every batch and slice
};

struct AckToken::Share {
  AckToken token;
  uint32_t rows = 0;
  uint64_t bytes = 0;
};

// What became of the rows that one stream issued. `owed` = issued + expected - delivered - dropped - not_delivered.
struct AckCounts {
  uint64_t issued_rows = 0, issued_bytes = 0;
  uint64_t expected_rows = 0;  // added by fan-out
  uint64_t delivered_rows = 0, delivered_bytes = 0;
  uint64_t not_delivered_rows = 0, not_delivered_bytes = 0;      // will be read again, or are kept by the driver
  std::map<std::string, std::pair<uint64_t, uint64_t>> dropped;  // reason -> rows, bytes
};

// One per stream (a file's identity or a source instance); outlives the source, because tokens hold it.
class AckTracker : public std::enable_shared_from_this<AckTracker> {
 public:
  static std::shared_ptr<AckTracker> create(uint64_t start_position);
  ~AckTracker();

  // `end_position` = position after the last row; positions strictly grow between calls (after rewound(): from
  // settled()). With no rows (bytes that were skipped) only the position moves and the token owes nothing. `note`: for
  // a log that keeps the read position beside the rows (AckToken::note()).
  AckToken issue(uint64_t end_position, uint32_t rows, uint64_t bytes = 0,
                 std::shared_ptr<const std::string> note = nullptr);
  uint64_t settled() const;  // everything before this is delivered or counted as dropped, without a gap
  std::optional<uint64_t> first_failed() const;  // start of the first token with a row that was not delivered; until
                                                 // rewound() settled() stays at or before it
  // The source went back to settled(): what was issued after it is forgotten (late settles of it are still counted).
  void rewound();
  AckCounts counts() const;
  // Called from any thread after settled() or first_failed() moved; must only post or notify, and not call on_change().
  // One callback; when this returns the one before does not run any more.
  void on_change(std::function<void()> callback);

 private:
  friend class internal::AckState;
  explicit AckTracker(uint64_t start_position);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flume
