#include "node/storing/output_file.h"

#include <algorithm>
#include <array>

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::node {

namespace {

constexpr Duration kLongestLook = std::chrono::milliseconds(5);
constexpr Duration kLookForSender = std::chrono::milliseconds(1);  // somebody waits for the answer
constexpr int kMaxNumber = 10'000;
constexpr size_t kKeptBuffer = 4 << 20;

iovec piece_of(std::string_view bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

}  // namespace

void RowAccount::took(const EventBatch& batch) {
  ledger_.in(batch.rows(), batch.body_bytes());
  held_ += batch.rows();
  ledger_.held(held_);
}

void RowAccount::delivered(uint64_t rows, uint64_t bytes) {
  ledger_.out(rows, bytes);
  held_ -= static_cast<int64_t>(rows);
  ledger_.held(held_);
}

void RowAccount::returned(uint64_t rows) {
  ledger_.returned(rows);
  held_ -= static_cast<int64_t>(rows);
  ledger_.held(held_);
}

OutputFile::OutputFile(std::shared_ptr<Storage> storage, StorePath path, std::unique_ptr<StoredFile> file,
                       std::unique_ptr<OutputFormat> format, const Options& options, RowAccount& account, bool has_name)
    : storage_(std::move(storage)),
      path_(std::move(path)),
      file_(compress_file(options.codec, std::move(file))),
      format_(std::move(format)),
      options_(options),
      account_(account),
      has_name_(has_name),
      journal_(options.journal, path_, has_name) {}

Result<std::unique_ptr<OutputFile>> OutputFile::create(std::shared_ptr<Storage> storage, const StorePath& path,
                                                       std::unique_ptr<OutputFormat> format, const Options& options,
                                                       RowAccount& account, const Wait& wait) {
  const std::string_view extension = file_codec_extension(options.codec);
  for (int number = 0; number < kMaxNumber; ++number) {
    StorePath name = str_cat(path, number == 0 ? "" : str_cat(".", number), extension);
    auto file = storage->create(name, wait);
    if (file.status().code() == Code::kExists) {
      continue;
    }
    FLUME_RETURN_IF_ERROR(file.status());
    auto output = std::unique_ptr<OutputFile>(new OutputFile(  // NOLINT: the constructor is private
        std::move(storage), std::move(name), std::move(*file), std::move(format), options, account,
        /*has_name=*/false));
    output->can_sync_ = output->storage_->traits().sync_before_commit && options.codec != FileCodec::kDeflate;
    output->format_->begin_file(output->start_);
    return output;
  }
  return Status(Code::kExists, str_cat("create ", quoted(path), ": ", kMaxNumber, " files of this name are there"));
}

Result<std::unique_ptr<OutputFile>> OutputFile::append_to(std::shared_ptr<Storage> storage, const StorePath& path,
                                                          std::unique_ptr<OutputFormat> format, const Options& options,
                                                          RowAccount& account, const Wait& wait) {
  FLUME_ASSIGN_OR_RETURN(auto file, storage->append_to(path, wait));
  auto output = std::unique_ptr<OutputFile>(new OutputFile(  // NOLINT: the constructor is private
      std::move(storage), path, std::move(file), std::move(format), options, account, /*has_name=*/true));
  FLUME_RETURN_IF_ERROR(output->journal_.take_up(*output->file_));
  output->synced_ = output->file_->size();
  output->start_ = output->file_->starts_in_a_line() ? "\n" : "";
  return output;
}

Status OutputFile::prepare(const EventBatch& rows, const Wait& wait) {
  FLUME_RETURN_IF_ERROR(dead_);
  if (!has_hop(hop_rows(rows))) {
    return {};
  }
  if (!journal_.holds() && journal_.can_begin()) {
    FLUME_RETURN_IF_ERROR(begin_journal(wait));
  }
  return journal_.wait_begun(wait);
}

// What is in the file counts from now on, so it has to be durable (R16).
Status OutputFile::begin_journal(const Wait& wait) {
  if (can_sync_ && (wrote_rows_ || file_->size() > 0)) {
    FLUME_RETURN_IF_ERROR(flush(wait));
    phase_ = Phase::kSyncing;  // until it is done, of nothing that is to be settled
    in_sync_ = 0;
    next_look_ = TimePoint::min();
    const auto length = file_->sync(wait);
    if (!length.ok()) {
      return length.status().ran_out_of_time() ? length.status() : failed(length.status());
    }
    synced_ = *length;
    phase_ = Phase::kIdle;
  }
  journal_.begin(*file_, synced_);
  return {};
}

Status OutputFile::append(const EventBatch& batch, TimePoint now, const Wait& wait) {
  FLUME_RETURN_IF_ERROR(prepare(batch, wait));
  Status status;
  if (const auto ready = format_->in_place(batch)) {
    status = write(*ready, wait);
  } else {
    format_->append(batch, buffer_);
    status = write(buffer_, wait);
    clear_buffer();
  }
  if (status.ok()) {
    account_.took(batch);
    remember(batch, now);
    return {};
  }
  if (status.code() == Code::kNoSpace) {
    // Nothing of it is in the file. What is there is made durable while the disk is full, so that it need not come
    // again; when that fails too the file is dead, which the next call tells.
    (void)flush(wait);
    return status;
  }
  return failed(status);
}

void OutputFile::stage(const EventBatch& rows, TimePoint now) {
  if (const auto ready = format_->in_place(rows)) {
    buffer_.append(*ready);
  } else {
    format_->append(rows, buffer_);
  }
  account_.took(rows);
  remember(rows, now);
}

Status OutputFile::write_staged(const Wait& wait) {
  FLUME_RETURN_IF_ERROR(dead_);
  const Status status = write(buffer_, wait);
  clear_buffer();
  return status.ok() ? status : failed(status);
}

// The start of the file, if it is not written yet, and `bytes`.
Status OutputFile::write(std::string_view bytes, const Wait& wait) {
  const std::array<iovec, 2> pieces{piece_of(start_), piece_of(bytes)};
  FLUME_RETURN_IF_ERROR(file_->append(std::span(pieces).subspan(start_.empty() ? 1 : 0), wait));
  start_.clear();
  wrote_rows_ = true;
  return {};
}

void OutputFile::clear_buffer() {
  if (buffer_.capacity() > kKeptBuffer) {
    buffer_ = std::string();
  }
  buffer_.clear();
}

void OutputFile::remember(const EventBatch& batch, TimePoint now) {
  last_append_ = now;
  if (pending_.size() == in_sync_) {
    oldest_ = now;
  }
  const bool keep = holds_all_ && held_ + batch.blob().size() <= options_.held_bytes;
  const journal::Range hop = hop_rows(batch);
  hop_waits_ = hop_waits_ || (has_hop(hop) && journal_.holds());
  pending_.push_back({batch.rows(), batch.body_bytes(), batch.token(), hop, keep ? batch : EventBatch()});
  if (keep) {
    held_ += batch.blob().size();
  } else {
    let_go_of_batches();
  }
}

void OutputFile::let_go_of_batches() {
  if (holds_all_) {
    for (Pending& entry : pending_) {
      entry.batch = EventBatch();
    }
  }
  holds_all_ = false;
  held_ = 0;
}

TimePoint OutputFile::due() const {
  if (phase_ != Phase::kIdle) {
    return next_look_;
  }
  if (settles_at_close() || pending_.empty() || !dead_.ok()) {
    return TimePoint::max();
  }
  const TimePoint due = oldest_ + options_.sync_every;
  return hop_waits_ ? std::min(due, sync_started_ + options_.ack_every) : due;
}

Status OutputFile::tick(TimePoint now) {
  FLUME_RETURN_IF_ERROR(dead_);
  if (cut_back_) {
    return {};
  }
  if (phase_ == Phase::kIdle && now >= due()) {
    file_->start_sync();
    phase_ = Phase::kSyncing;
    in_sync_ = pending_.size();
    sync_started_ = now;
    sync_looks_.begin(now);
  }
  if (phase_ == Phase::kSyncing) {
    const auto result = file_->poll_sync();
    if (!result) {
      next_look_ = sync_looks_.next(now, hop_waits_ ? kLookForSender : kLongestLook);
      return {};
    }
    if (!result->ok()) {
      return failed(result->status());
    }
    sync_looks_.done(now);
    synced(**result, in_sync_);
    journal_looks_.begin(now);
  }
  if (phase_ == Phase::kJournalling) {
    if (!journal_.done()) {
      next_look_ = journal_looks_.next(now, kLookForSender);
      return {};
    }
    journal_looks_.done(now);
    journalled();
  }
  return {};
}

Status OutputFile::flush(const Wait& wait) {
  FLUME_RETURN_IF_ERROR(dead_);
  if (settles_at_close()) {
    return {};
  }
  while (!pending_.empty() || phase_ != Phase::kIdle) {
    if (phase_ == Phase::kJournalling) {
      next_look_ = TimePoint::min();
      FLUME_RETURN_IF_ERROR(journal_.wait(wait));
      journalled();
      continue;
    }
    if (phase_ == Phase::kIdle) {
      phase_ = Phase::kSyncing;
      in_sync_ = pending_.size();
    }
    const auto length = file_->sync(wait);
    if (!length.ok()) {
      next_look_ = TimePoint::min();  // a sync that goes on in the background is looked for at once
      return length.status().ran_out_of_time() ? length.status() : failed(length.status());
    }
    synced(*length, pending_.size());
  }
  return {};
}

// The first `count` of pending_ are in the first `length` bytes of the file, which are durable.
void OutputFile::synced(uint64_t length, size_t count) {
  if (journal_.holds()) {
    record(length, count);
    return;
  }
  synced_ = length;
  phase_ = Phase::kIdle;
  settle(count);
}

void OutputFile::record(uint64_t length, size_t count) {
  std::vector<journal::Range> rows;
  for (size_t i = 0; i < count; ++i) {
    const journal::Range& hop = pending_[i].hop;
    if (!has_hop(hop)) {
      continue;
    }
    if (!rows.empty() && rows.back().stream == hop.stream && rows.back().below == hop.first) {
      rows.back().below = hop.below;
      rows.back().chain = hop.chain;
    } else {
      rows.push_back(hop);
    }
  }
  synced_ = length;
  in_sync_ = count;
  phase_ = Phase::kJournalling;
  journal_.durable(length, std::move(rows));
}

void OutputFile::journalled() {
  phase_ = Phase::kIdle;
  settle(in_sync_);
}

void OutputFile::settle(size_t count) {
  uint64_t rows = 0;
  uint64_t bytes = 0;
  for (; count > 0; --count) {
    Pending& entry = pending_.front();
    entry.token.settle(entry.rows, Outcome::kDelivered, {}, entry.bytes);
    held_ -= std::min(held_, entry.batch.blob().size());
    rows += entry.rows;
    bytes += entry.bytes;
    pending_.pop_front();
  }
  in_sync_ = 0;
  holds_all_ = holds_all_ || pending_.empty();
  hop_waits_ = hop_waits_ &&
               std::any_of(pending_.begin(), pending_.end(), [](const Pending& entry) { return has_hop(entry.hop); });
  if (rows > 0) {
    account_.delivered(rows, bytes);
  }
}

Status OutputFile::failed(Status status) {
  cut_back_ = true;
  phase_ = Phase::kIdle;
  dead_ = status;
  return status;
}

std::vector<EventBatch> OutputFile::take_back() {
  if (pending_.empty()) {
    return {};
  }
  cut_back_ = true;
  std::vector<EventBatch> batches;
  uint64_t rows = 0;
  for (Pending& entry : pending_) {
    rows += entry.rows;
    if (holds_all_) {
      batches.push_back(std::move(entry.batch));
    }
  }
  account_.returned(rows);
  pending_.clear();  // tokens of batches that were let go: not delivered, the source reads them again
  held_ = 0;
  in_sync_ = 0;
  hop_waits_ = false;
  holds_all_ = true;
  return batches;
}

Status OutputFile::close(const Wait& wait) {
  if (file_ == nullptr) {
    return {};
  }
  if (cut_back_) {
    return publish_synced(wait);
  }
  if (!wrote_rows_ && !has_name_) {
    return give_up();
  }
  if (journal_.holds()) {
    FLUME_RETURN_IF_ERROR(record_rest(wait));
  }
  Status status = file_->commit(wait);
  if (status.ran_out_of_time()) {
    return status;
  }
  if (!status.ok()) {
    return failed(status);
  }
  phase_ = Phase::kIdle;
  settle(pending_.size());
  journal_.gone();
  file_.reset();
  return {};
}

// R18: the journal knows the rows before anybody can see the file, so that after a crash between the two there is
// either an unfinished file, which is published then, or a published one, and the rows are not written again.
Status OutputFile::record_rest(const Wait& wait) {
  if (!rest_recorded_) {
    const auto length = file_->finish(wait);
    if (!length.ok()) {
      return length.status().ran_out_of_time() ? length.status() : failed(length.status());
    }
    rest_recorded_ = true;
    record(*length, pending_.size());
  }
  return journal_.wait(wait);
}

Status OutputFile::give_up() {
  Status status = file_->abandon();
  if (status.ok()) {
    journal_.gone();
  }
  file_.reset();
  return status;
}

// Ends a file of which only the first synced_ bytes may be seen.
Status OutputFile::publish_synced(const Wait& wait) {
  FLUME_CHECK(pending_.empty(), path_);
  FLUME_RETURN_IF_ERROR(journal_.wait(wait));
  if (has_name_ && journal_.holds()) {
    // It stays under the journal: if the cut fails, the next one to open it does it.
    Status status = file_->cut(synced_);
    status = status.ok() ? file_->abandon() : status;
    file_.reset();
    return status;
  }
  if (has_name_ || synced_ == 0) {
    return give_up();
  }
  if (Status status = file_->sync(wait).status(); status.ran_out_of_time()) {
    return status;  // a sync under way holds the file
  }
  file_.reset();
  FLUME_ASSIGN_OR_RETURN(file_, storage_->resume(path_, synced_));
  cut_back_ = false;
  wrote_rows_ = true;
  rest_recorded_ = true;
  return close(wait);
}

}  // namespace flume::node
