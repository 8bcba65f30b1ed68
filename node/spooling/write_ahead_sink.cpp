#include "node/spooling/write_ahead_sink.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/io/posix.h"
#include "node/runtime/feeding_log.h"
#include "node/runtime/positions.h"
#include "node/spooling/homes.h"

namespace flume::node {

namespace {

constexpr size_t kLongestText = 1 << 20;
constexpr mode_t kMode = 0600;
constexpr Duration kSync = std::chrono::seconds(10);             // for the disk, when a sink closes
constexpr Duration kFarEnd = std::chrono::seconds(1);            // for a far end that takes rows
constexpr uint64_t kNearlyFull = 80;                             // per cent of its limit: a commit is asked for (R8)
constexpr Duration kPatience = std::chrono::seconds(1);          // with nothing released, before that
constexpr Duration kLookAtState = std::chrono::milliseconds(5);  // does it still?

wal::WalOptions log_options(const Context& context, std::string folder) {
  const auto bytes = [&context](const char* name) { return static_cast<uint64_t>(context.settings.integer(name)); };
  wal::WalOptions options;
  options.folder = std::move(folder);
  options.segment_bytes = bytes("flume.wal.segment.bytes");
  options.max_bytes = bytes("flume.wal.max.bytes");
  options.free_bytes = bytes("flume.wal.free.bytes");
  options.group_bytes = bytes("flume.wal.group.bytes");
  options.group_time = context.settings.millis("flume.wal.group.millis");
  options.limits = context.limits;
  return options;
}

uint64_t damaged_bytes(const wal::Recovered& recovered) {
  return std::accumulate(recovered.damage.begin(), recovered.damage.end(), uint64_t{0},
                         [](uint64_t sum, const wal::Damage& damage) { return sum + damage.bytes; });
}

DriverOptions sending_options(const Context& context) {
  DriverOptions options;
  options.backoff = BackoffOptions::from(context.settings);
  options.limits.close_timeout = context.settings.millis("flume.node.close.timeout");
  return options;
}

}  // namespace

struct WriteAheadSink::Sending {
  Sending(const Context& outer, wal::Wal& wal, std::string folder, const std::function<std::unique_ptr<Sink>()>& chain,
          std::string text)
      : feeding{.wal = wal, .folder = std::move(folder), .recovered_end = wal.status().next_ordinal},
        positions(Positions::in_memory()),
        context(make_context(outer, *positions, logs)),
        progress(wal.status().released, wal.status().first_ordinal),
        book(context.metrics),
        driver(context, book, sending_options(outer), [] {}) {
    logs.set_feeding(&feeding);
    auto program = std::make_shared<Program>();
    program->source_text = "wal";
    program->sink_text = std::move(text);
    program->source = [this, &wal] { return std::make_unique<WalSource>(wal, progress); };
    program->sink = chain;
    program->replayable = true;
    driver.want(std::move(program));
  }
  static Context make_context(const Context& outer, Positions& positions, LogBook& logs) {
    return {outer.logical_node,
            outer.instance,
            outer.clock,
            outer.metrics.with("part", "wal"),
            outer.settings,
            outer.capabilities,
            outer.identity,
            outer.watch,
            positions,
            outer.storage,
            outer.net,
            outer.limits,
            logs,
            outer.state_folder,
            outer.journal};
  }

  FeedingLog feeding;
  const std::unique_ptr<Positions> positions;  // the log itself knows what was sent
  LogBook logs;
  Context context;
  WalProgress progress;
  LedgerBook book;
  Driver driver;
};

WriteAheadSink::WriteAheadSink(std::function<std::unique_ptr<Sink>()> chain, std::string text, std::string folder)
    : chain_(std::move(chain)), text_(std::move(text)), kind_(std::move(folder)) {}

WriteAheadSink::~WriteAheadSink() { (void)close(Wait{TimePoint(), {}}); }

Status WriteAheadSink::open(Context& context, const Wait& wait) {
  (void)close(wait);
  if (context.state_folder.empty()) {
    return invalid("a sink that keeps a log needs a node with a folder of its own (flume node, not flume dump)");
  }
  if (!ledger_) {
    ledger_.emplace(context.metrics);
  }
  clock_ = &context.clock;
  path_ = context.instance;
  folder_ = str_cat(context.state_folder, "/", kind_, "/", context.instance);
  FLUME_RETURN_IF_ERROR(context.logs.claim(folder_, this));
  logs_ = &context.logs;
  if (Status status = open_log(context); !status.ok()) {
    wal_.reset();
    logs_->release(this);
    logs_ = nullptr;
    return status;
  }
  commit_at_bytes_ = static_cast<uint64_t>(context.settings.integer("flume.wal.max.bytes")) * kNearlyFull / 100;
  wish_ = CommitWish(context.logs.commits());
  next_wish_ = clock_->now() + kPatience;
  released_ = wal_->status().released;
  wanted_commits_ = &context.metrics.counter("flume_wal_commits_wanted_total");
  sending_ = std::make_unique<Sending>(context, *wal_, folder_, chain_, text_);
  logs_->add(this, [this] { return status(); });
  return {};
}

Status WriteAheadSink::open_log(Context& context) {
  recovered_ = {};
  limit_bytes_ = static_cast<uint64_t>(context.settings.integer("flume.wal.max.bytes"));
  FLUME_ASSIGN_OR_RETURN(wal_, wal::Wal::open(log_options(context, folder_), local_files(), context.clock, recovered_));
  ::unlink(str_cat(folder_, "/", kDrainedFile).c_str());
  const std::string chain_file = str_cat(folder_, "/", kChainFile);
  if (const auto known = read_file(chain_file, kLongestText); !known.ok() || *known != text_) {
    FLUME_RETURN_IF_ERROR(replace_file(chain_file, text_, kMode));
  }
  FLUME_RETURN_IF_ERROR(renew_homes(context.clock));
  std::map<Id128, std::string> notes;
  for (const auto& [stream, place] : recovered_.places) {
    if (!place.note.empty()) {
      notes.emplace(stream, place.note);
    }
  }
  context.positions.set_logged(std::move(notes));
  // As what reads it counts what it finds (WalSource).
  context.metrics.with("part", "wal").counter("flume_wal_damaged_bytes_total").add(damaged_bytes(recovered_));
  if (recovered_.rows > 0 || !recovered_.damage.empty()) {
    FLUME_LOG(kInfo, "a write-ahead log was taken up", kv("node", context.logical_node), kv("rows", recovered_.rows),
              kv("segments", recovered_.segments), kv("damaged", recovered_.damage.size()));
  }
  return {};
}

// R7: numbers from here on are given to other rows than those that a note may speak of, whoever wrote it.
Status WriteAheadSink::renew_homes(Clock& clock) const {
  const wal::WalStatus status = wal_->status();
  for (int chain = 0; ::access(Homes::path(folder_, chain).c_str(), F_OK) == 0; ++chain) {
    FLUME_RETURN_IF_ERROR(Homes(Homes::path(folder_, chain), clock).open(status.released, status.next_ordinal));
  }
  return {};
}

AppendResult WriteAheadSink::append(const EventBatch& batch, const Wait& wait) {
  if (wal_ == nullptr) {
    return {unavailable("the write-ahead log is not open"), 0};
  }
  ask_for_commit();
  Status status = wal_->append(batch);
  if (status.code() == Code::kBusy) {
    status = wal_->wait_for_room(wait);
    if (status.ok()) {
      status = wal_->append(batch);
    }
    if (status.code() == Code::kBusy) {
      return {{Code::kTimeout, std::string(status.message())}, 0};
    }
  }
  if (status.code() == Code::kCorrupt) {  // a slice of a compressed batch that cannot be unpacked: never will
    ledger_->in(batch.rows(), batch.body_bytes());
    ledger_->drop(batch, "undecodable");
    return {{}, batch.rows()};
  }
  if (!status.ok()) {
    return {std::move(status), 0};
  }
  ledger_->in(batch.rows(), batch.body_bytes());
  ledger_->out(batch.rows(), batch.body_bytes());
  return {{}, batch.rows()};
}

// R8: rows may be settled only when a file far away is published, which may wait for more rows than fit in here.
void WriteAheadSink::ask_for_commit() {
  const TimePoint now = clock_->now();
  bool ask = wish_.take();
  if (now >= next_wish_) {
    next_wish_ = now + kPatience;
    const wal::WalStatus status = wal_->status();
    const bool is_stuck = status.released < status.synced && status.released == released_;
    ask = ask || (is_stuck && status.bytes >= commit_at_bytes_);
    released_ = status.released;
  }
  if (ask) {
    wanted_commits_->add(1);
    sending_->logs.commits().ask();
    FLUME_LOG_EVERY(60'000, kInfo, "a write-ahead log is nearly full: what it sends to is asked to commit",
                    kv("folder", folder_));
  }
}

Status WriteAheadSink::flush(const Wait& wait) { return wal_ == nullptr ? Status() : wal_->flush(wait); }

Status WriteAheadSink::close(const Wait& wait) {
  if (wal_ == nullptr) {
    return {};
  }
  const Status flushed = wal_->flush(wait);
  if (flushed.ok()) {
    wait_for_far_end(wait.at_most(std::chrono::steady_clock::now() + kFarEnd));
  }
  if (sending_ != nullptr) {
    sending_->driver.request_stop();
    sending_->driver.join();
  }
  const Status closed = wal_->close(flushed.ok() ? Wait::for_duration(kSync) : Wait{TimePoint(), {}});
  if (const wal::WalStatus left = wal_->status(); left.released < left.synced) {
    FLUME_LOG(kInfo, "a write-ahead log is closed with rows that are not delivered yet", kv("folder", folder_),
              kv("rows", left.synced - left.released));
  }
  logs_->remove(this);  // asks for the status a last time
  sending_.reset();
  wal_.reset();
  logs_->release(this);
  logs_ = nullptr;
  return flushed.ok() ? closed : flushed;
}

void WriteAheadSink::wait_for_far_end(const Wait& wait) {
  while (sending_ != nullptr && !wait.over()) {
    const NodeState state = sending_->driver.status().state;
    const bool moves = state == NodeState::kHello || state == NodeState::kOpening || state == NodeState::kActive;
    if (!moves || wal_->wait_released(wait.at_most(std::chrono::steady_clock::now() + kLookAtState)).ok()) {
      return;
    }
  }
}

void WriteAheadSink::wait_sent(const Wait& wait) {
  if (wal_ != nullptr && wal_->flush(wait).ok()) {
    (void)wal_->wait_released(wait);
  }
}

uint64_t WriteAheadSink::held_rows() const {
  if (wal_ == nullptr) {
    return 0;
  }
  const wal::WalStatus status = wal_->status();
  return status.next_ordinal - status.released;
}

LogStatus WriteAheadSink::status() const {
  // In this order each sees at least what the one before saw.
  const Ledger sent = sending_->book.sum();
  const WalProgress::State progress = sending_->progress.state();
  const wal::WalStatus wal = wal_->status();
  const DriverStatus driver = sending_->driver.status();
  LogStatus status;
  status.kind = kind_;
  status.path = path_;
  status.folder = folder_;
  status.rows = wal.next_ordinal - wal.released;
  status.bytes = wal.bytes;
  status.limit_bytes = limit_bytes_;
  status.segments = wal.segments;
  status.recovered = recovered_.rows;
  status.repeated = wal.repeated;
  status.damaged_bytes = damaged_bytes(recovered_) + progress.damaged;
  status.places = progress.places;
  for (const wal::Missing& missing : recovered_.missing) {  // that was not come to yet, or never will be
    if (missing.first >= std::max(progress.high, progress.start) || missing.first >= progress.first_new) {
      status.places.push_back(missing);
    }
  }
  while (status.places.size() > kMissingShown) {
    status.places.pop_front();
  }
  status.parked = static_cast<uint64_t>(std::max<int64_t>(0, sending_->feeding.parked.load()));
  status.doubled = sending_->feeding.doubled.load();
  status.oldest_millis = status.rows == 0 ? 0 : wal.oldest_millis;
  status.acks = wal_->ack_times();
  status.error = wal.error;
  status.state = driver.state;
  status.chain_error = driver.error;
  status.next_try_millis = driver.next_try_millis;
  status.counts = counts(sent, progress, wal);
  status.missing = status.counts.missing;
  return status;
}

// Numbers that no row has are found when they are read; until then they count as rows that it held. A batch that came
// back and is read again counts as not yet read.
LogCounts WriteAheadSink::counts(const Ledger& sent, const WalProgress::State& progress,
                                 const wal::WalStatus& wal) const {
  const uint64_t again = progress.high - progress.next;
  const uint64_t skipped_new = (wal.synced - wal.first_ordinal) - wal.accepted;
  uint64_t ahead = 0;  // rows that it will not find
  for (const wal::Missing& missing : recovered_.missing) {
    const uint64_t first = std::max(missing.first, progress.high);
    const uint64_t end = std::min(missing.end, progress.first_new);
    ahead += end > first ? end - first : 0;
  }
  const uint64_t unread = (wal.synced - progress.high) - (skipped_new - progress.skipped_new) - ahead + again;
  const uint64_t passed =
      (progress.high - progress.start) - progress.skipped_old - progress.skipped_new - progress.missing - again;
  LogCounts counts;
  counts.recovered = progress.first_new - progress.start - progress.skipped_old + recovered_.missing_at_end;
  counts.recovered_bytes = recovered_.body_bytes;
  counts.accepted = wal.accepted;
  counts.accepted_bytes = wal.accepted_bytes;
  counts.repeated = wal.repeated_settled;
  counts.settling = wal.settling;
  counts.missing = progress.missing + ahead + recovered_.missing_at_end;
  counts.dropped = sent.dropped;
  const uint64_t dropped = sent.dropped_sum().events;
  // Rows that were delivered, or are on their way, and are read again all the same are delivered once more.
  const uint64_t given = sent.delivered.events + dropped + sent.in_flight.events;
  const uint64_t twice = given - std::min(given, passed);
  counts.delivered = {sent.delivered.events - std::min(sent.delivered.events, twice), sent.delivered.bytes};
  counts.held = unread + passed - std::min(passed, counts.delivered.events + dropped);
  return counts;
}

lang::ArgSpec max_millis_argument() {
  return {.name = "maxmillis",
          .doc =
              "Taken as the classic system did, which sent a file of its log when it was so old. Here rows are "
              "sent while their file is written, so it changes nothing.",
          .default_text = "10000",
          .setting = "flume.agent.logdir.maxage",
          .unit = "ms",
          .type = lang::ArgType::kDuration};
}

}  // namespace flume::node
