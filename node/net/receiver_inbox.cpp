#include "node/net/receiver_inbox.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/log.h"
#include "common/journal/journal.h"
#include "node/runtime/log_book.h"

namespace flume::node {

namespace {

constexpr uint64_t kInboxBytes = 8U << 20;
constexpr uint64_t kInboxRows = 4U << 20;
constexpr uint64_t kCopiedBytes = 8U << 20;  // of batches kept until they are settled

uint64_t next_id() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

LinkAccount::LinkAccount(std::weak_ptr<StreamPeer> peer) : peer_(std::move(peer)), id_(next_id()) {}

void LinkAccount::take(uint32_t rows, uint64_t bytes) {
  received_.fetch_add(rows, std::memory_order_release);
  taken_bytes_.fetch_add(bytes, std::memory_order_release);
  wake();
}

void LinkAccount::settle(int64_t rows, const std::optional<rpc::LinkRange>& range) {
  settled_.fetch_add(rows, std::memory_order_release);
  if (range) {
    const MutexLock lock(mutex_);
    if (!ranges_.empty() && ranges_.back().stream == range->stream && ranges_.back().below == range->first) {
      ranges_.back().below = range->below;
    } else {
      ranges_.push_back(*range);
    }
  }
  wake();
}

std::vector<rpc::LinkRange> LinkAccount::new_ranges() {
  const MutexLock lock(mutex_);
  return std::exchange(ranges_, {});
}

void LinkAccount::fail() {
  failed_.store(true, std::memory_order_release);
  wake();
}

void LinkAccount::supersede() {
  superseded_.store(true, std::memory_order_release);
  wake();
}

void LinkAccount::wake() {
  if (const auto peer = peer_.lock()) {
    peer->wake();
  }
}

RowsUnderWay::~RowsUnderWay() {
  for (const Entry& entry : entries_) {
    if (entry.is_claimed) {
      streams_->forget(entry.range->stream, static_cast<uint64_t>(entry.range->first),
                       static_cast<uint64_t>(entry.range->below));
    }
  }
}

void RowsUnderWay::add(Entry entry) {
  const MutexLock lock(mutex_);
  copied_bytes_.fetch_add(entry.copy.empty() ? 0 : entry.copy.body_bytes(), std::memory_order_relaxed);
  entries_.push_back(std::move(entry));
}

void RowsUnderWay::settled(uint64_t below) {
  const MutexLock lock(mutex_);
  while (!entries_.empty() && entries_.front().end <= below) {
    const Entry& first = entries_.front();
    if (first.is_claimed) {
      streams_->settled(first.range->stream, static_cast<uint64_t>(first.range->first),
                        static_cast<uint64_t>(first.range->below));
    }
    first.account->settle(first.rows, first.range);
    copied_bytes_.fetch_sub(first.copy.empty() ? 0 : first.copy.body_bytes(), std::memory_order_relaxed);
    entries_.pop_front();
  }
}

bool RowsUnderWay::has_copies() const {
  const MutexLock lock(mutex_);
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return !entry.copy.empty(); });
}

std::deque<RowsUnderWay::Entry> RowsUnderWay::take_all() {
  const MutexLock lock(mutex_);
  copied_bytes_.store(0, std::memory_order_relaxed);
  return std::exchange(entries_, {});
}

ReceiverInbox::ReceiverInbox(Context& context, std::function<void()> on_room)
    : connections(context.metrics.gauge("flume_link_connections")),
      frames(context.metrics.counter("flume_link_frames_total")),
      frame_bytes(context.metrics.counter("flume_link_received_bytes_total")),
      refused(context.metrics.counter("flume_link_peers_refused_total")),
      refused_events(context.metrics.counter("flume_link_events_refused_total")),
      foreign(context.metrics.counter("flume_link_foreign_streams_total")),
      superseded(context.metrics.counter("flume_link_superseded_total")),
      repeated(context.metrics.counter("flume_link_repeated_rows_total")),
      wanted_commits(context.metrics.counter("flume_link_commits_wanted_total")),
      context_(context),
      bad_peers_(context.clock),
      tracker_(AckTracker::create(0)),
      under_way_(std::make_shared<RowsUnderWay>(context.net.streams())),
      channel_({kInboxBytes, kInboxRows}, std::move(on_room)) {
  // The tracker owns the callback, so it is there whenever that runs.
  tracker_->on_change([tracker = tracker_.get(), rows = under_way_] { rows->settled(tracker->settled()); });
}

void ReceiverInbox::begin_link(const Id128& link, const Id128& follows, const std::shared_ptr<LinkAccount>& account) {
  std::shared_ptr<LinkAccount> before;
  {
    const MutexLock lock(links_mutex_);
    if (const auto found = links_.find(follows); found != links_.end()) {
      before = found->second.lock();
      links_.erase(found);
    }
    if (before != nullptr) {
      before->supersede();
    }
    links_[link] = account;
  }
  superseded.add(before != nullptr ? 1 : 0);
}

void ReceiverInbox::end_link(const Id128& link) {
  const MutexLock lock(links_mutex_);
  links_.erase(link);
}

bool ReceiverInbox::put(Received& item) {
  const MutexLock lock(links_mutex_);
  if (item.account->is_superseded()) {
    return true;
  }
  const uint64_t bytes = item.frame_bytes;
  const uint32_t rows = item.batch.rows();
  const int64_t promised = item.promised ? 1 : 0;
  promised_ += promised;
  const bool is_in = channel_.try_push(item, bytes, rows);
  promised_ -= is_in ? 0 : promised;
  return is_in;
}

void ReceiverInbox::put_last(std::vector<Received> items) {
  if (items.empty()) {
    return;
  }
  promised_ += std::count_if(items.begin(), items.end(), [](const Received& item) { return item.promised; });
  {
    const MutexLock lock(mutex_);
    last_.insert(last_.end(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
  }
  Received wake_up;  // the driver looks at them when the channel is empty
  (void)channel_.try_push(wake_up, 0, 0);
}

std::optional<Received> ReceiverInbox::pop(const Wait& wait) {
  for (;;) {
    std::optional<Received> item = channel_.pop(Wait{TimePoint(), wait.stop});
    if (!item) {
      const MutexLock lock(mutex_);
      if (!last_.empty()) {
        item = std::move(last_.front());
        last_.pop_front();
      }
    }
    if (!item) {
      item = channel_.pop(wait);
    }
    if (!item) {
      return item;
    }
    promised_ -= item->promised ? 1 : 0;
    if (!item->batch.empty()) {
      return item;
    }
  }
}

std::optional<EventBatch> ReceiverInbox::take(const Wait& wait) {
  for (;;) {
    while (!ready_.empty()) {
      const Ready next = std::move(ready_.front());
      ready_.pop_front();
      if (auto batch = hand_out(next)) {
        return batch;
      }
    }
    std::optional<Received> item = pop(wait);
    if (!item) {
      return std::nullopt;
    }
    if (!is_ending_ || item->promised) {
      prepare(std::move(*item));
    }
  }
}

void ReceiverInbox::prepare(Received item) {
  if (item.account->has_failed()) {
    return;  // it comes again on another link, behind rows that were lost before it
  }
  const Hop hop = item.batch.hop();
  const bool is_numbered = hop.stream != Id128{} && !item.batch.multiplied();
  std::vector<StreamTable::Part> parts;
  if (is_numbered) {
    parts = context_.net.streams()->claim(hop.stream, hop.ordinal, hop.ordinal + hop.span, this);
    if (is_foreign(item, hop, parts)) {
      return;  // before anybody is told that they are received
    }
  }
  item.account->take(item.batch.rows(), item.frame_bytes);
  if (is_numbered) {
    prepare_parts(item, hop, parts);
  } else {
    ready_.push_back({std::move(item), {}, false});
  }
}

rpc::LinkStream ReceiverInbox::greet(const Id128& stream, LinkAccount& account) const {
  const StreamTable::Mark mark = context_.net.streams()->mark(stream);
  const journal::Journal::Mark stored =
      context_.journal == nullptr ? journal::Journal::Mark{} : context_.journal->mark(stream);
  account.greeted(stream, mark.moment);
  return mark.below >= stored.below ? rpc::LinkStream{stream, static_cast<int64_t>(mark.below), mark.chain}
                                    : rpc::LinkStream{stream, static_cast<int64_t>(stored.below), stored.chain};
}

// R6: rows that are known, and that another link brought since this one was told what is known: they may be others
// than these, of a live copy of the sender. The link ends; the next one's hello tells.
bool ReceiverInbox::is_foreign(const Received& item, const Hop& hop, const std::vector<StreamTable::Part>& parts) {
  StreamTable& streams = *context_.net.streams();
  const auto is_new = [](const StreamTable::Part& part) { return part.known == StreamTable::Known::kNew; };
  const auto greeting = item.account->greeting(hop.stream);
  if (greeting && !std::all_of(parts.begin(), parts.end(), is_new) &&
      streams.others_brought(hop.stream, hop.ordinal, hop.ordinal + hop.span, *greeting, item.account->id())) {
    for (const StreamTable::Part& part : parts) {
      if (is_new(part)) {
        streams.forget(hop.stream, part.first, part.below);
      }
    }
    foreign.add(1);
    item.account->fail();
    return true;
  }
  if (std::any_of(parts.begin(), parts.end(), is_new)) {
    streams.came(hop.stream, hop.ordinal, hop.ordinal + hop.span, hop.chain, item.account->id());
  }
  return false;
}

// Rows that a log numbered: what is known already is only confirmed.
void ReceiverInbox::prepare_parts(const Received& item, const Hop& hop, const std::vector<StreamTable::Part>& parts) {
  const EventBatch& batch = item.batch;
  uint32_t row = 0;
  for (const StreamTable::Part& part : parts) {
    uint32_t end = row;
    while (end < batch.rows() && batch.hop_ordinal(end) < part.below) {
      end = part.below >= hop.ordinal + hop.span ? batch.rows() : end + 1;
    }
    const rpc::LinkRange range{hop.stream, static_cast<int64_t>(part.first), static_cast<int64_t>(part.below)};
    Ready ready{{batch.slice(row, end - row), item.account, 0, item.promised}, range, false};
    ready.is_repeat = part.known != StreamTable::Known::kNew;
    if (ready.is_repeat) {
      repeated.add(end - row);
    }
    if (part.known == StreamTable::Known::kElsewhere) {
      item.account->fail();  // until they are settled there
    }
    ready_.push_back(std::move(ready));
    row = end;
  }
}

std::optional<EventBatch> ReceiverInbox::hand_out(const Ready& ready) {
  if (ready.item.account->has_failed()) {
    give_up(ready);
    return std::nullopt;
  }
  const EventBatch& batch = ready.item.batch;
  RowsUnderWay::Entry entry{rows_, ready.item.account, batch.rows(), ready.range, false, {}};
  if (ready.is_repeat || batch.empty()) {
    entry.is_claimed = !ready.is_repeat && ready.range.has_value();
    under_way_->add(std::move(entry));
    under_way_->settled(tracker_->settled());
    return std::nullopt;
  }
  rows_ += batch.rows();
  entry.end = rows_;
  entry.is_claimed = ready.range.has_value();
  if (!ready.item.account->sender_keeps()) {
    entry.copy = batch;
  }
  under_way_->add(std::move(entry));
  return batch.with_token(tracker_->issue(rows_, batch.rows(), batch.body_bytes()));
}

// Rows that will not be handed out.
void ReceiverInbox::give_up(const Ready& ready) {
  if (!ready.is_repeat && ready.range) {
    context_.net.streams()->forget(ready.range->stream, static_cast<uint64_t>(ready.range->first),
                                   static_cast<uint64_t>(ready.range->below));
  }
}

void ReceiverInbox::rewind() {
  under_way_->settled(tracker_->settled());
  std::deque<Ready> again;
  for (RowsUnderWay::Entry& entry : under_way_->take_all()) {
    Ready ready{{std::move(entry.copy), entry.account, 0, true}, entry.range, !entry.is_claimed && entry.range};
    if (entry.account->sender_keeps()) {
      entry.account->fail();
      give_up(ready);
    } else {
      again.push_back(std::move(ready));
    }
  }
  tracker_->rewound();
  rows_ = tracker_->settled();
  again.insert(again.end(), std::make_move_iterator(ready_.begin()), std::make_move_iterator(ready_.end()));
  ready_ = std::move(again);
}

bool ReceiverInbox::is_full() const { return under_way_->copied_bytes() >= kCopiedBytes; }

void ReceiverInbox::want_commit(std::string_view peer) {
  wanted_commits.add(1);
  context_.logs.commits().ask();
  FLUME_LOG_EVERY(60'000, kInfo, "a sender's log is nearly full: files are published early",
                  kv("node", context_.logical_node), kv("peer", peer));
}

void ReceiverInbox::refuse(std::string_view peer, std::string_view what, std::string_view detail) {
  refused.add(1);
  bad_peers_.report(peer, what, detail);
}

void ReceiverInbox::end_intake() {
  is_ending_ = true;
  channel_.close();
}

bool ReceiverInbox::holds_rows() const {
  const auto is_relied_on = [](const Ready& ready) {
    return !ready.is_repeat && !ready.item.account->sender_keeps() && !ready.item.batch.empty();
  };
  return promised_ > 0 || under_way_->has_copies() || std::any_of(ready_.begin(), ready_.end(), is_relied_on);
}

void ReceiverInbox::close() {
  channel_.close();
  uint64_t lost = 0;
  const auto lose = [&](const Received& item) {
    lost += item.batch.rows();
    rows_ += item.batch.rows();
    item.batch.with_token(tracker_->issue(rows_, item.batch.rows(), item.batch.body_bytes()))
        .settle(Outcome::kDropped, "source_closed");
  };
  for (const Ready& ready : std::exchange(ready_, {})) {
    give_up(ready);
    if (!ready.is_repeat && !ready.item.account->sender_keeps() && !ready.item.batch.empty()) {
      lose(ready.item);  // the sender was told that they are received
    }
  }
  while (std::optional<Received> item = pop(Wait{TimePoint(), {}})) {
    if (item->promised) {
      lose(*item);
    }
  }
  if (lost > 0) {
    FLUME_LOG(kWarn, "events that were received were not handed on before their port closed",
              kv("node", context_.logical_node), kv("events", lost));
  }
}

}  // namespace flume::node
