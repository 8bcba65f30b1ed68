#include "node/storing/output_file.h"

#include <algorithm>
#include <array>

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::node {

namespace {

constexpr Duration kPollSync = std::chrono::milliseconds(5);
constexpr int kMaxNumber = 10'000;
constexpr size_t kKeptBuffer = 4 << 20;

bool ran_out_of_time(const Status& status) { return status.code() == Code::kTimeout || status.kind() == Kind::kClosed; }

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
                       std::unique_ptr<OutputFormat> format, const Options& options, RowAccount& account)
    : storage_(std::move(storage)),
      path_(std::move(path)),
      file_(compress_file(options.codec, std::move(file))),
      format_(std::move(format)),
      options_(options),
      account_(account) {}

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
        std::move(storage), std::move(name), std::move(*file), std::move(format), options, account));
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
      std::move(storage), path, std::move(file), std::move(format), options, account));
  output->has_name_ = true;
  output->start_ = output->file_->starts_in_a_line() ? "\n" : "";
  return output;
}

Status OutputFile::append(const EventBatch& batch, TimePoint now, const Wait& wait) {
  FLUME_RETURN_IF_ERROR(dead_);
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
  pending_.push_back({batch.rows(), batch.body_bytes(), batch.token(), keep ? batch : EventBatch()});
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
  if (syncing_) {
    return next_poll_;
  }
  return settles_at_close() || pending_.empty() || !dead_.ok() ? TimePoint::max() : oldest_ + options_.sync_every;
}

Status OutputFile::tick(TimePoint now) {
  FLUME_RETURN_IF_ERROR(dead_);
  if (!syncing_ && now >= due()) {
    file_->start_sync();
    syncing_ = true;
    in_sync_ = pending_.size();
  }
  if (!syncing_) {
    return {};
  }
  const auto result = file_->poll_sync();
  if (!result) {
    next_poll_ = now + kPollSync;
    return {};
  }
  syncing_ = false;
  if (!result->ok()) {
    return failed(result->status());
  }
  synced_ = **result;
  settle(in_sync_);
  return {};
}

Status OutputFile::flush(const Wait& wait) {
  FLUME_RETURN_IF_ERROR(dead_);
  if (settles_at_close() || (pending_.empty() && !syncing_)) {
    return {};
  }
  if (!syncing_) {
    syncing_ = true;
    in_sync_ = pending_.size();
  }
  const auto synced = file_->sync(wait);
  if (!synced.ok()) {
    next_poll_ = TimePoint::min();  // a sync that goes on in the background is looked for at once
    return ran_out_of_time(synced.status()) ? synced.status() : failed(synced.status());
  }
  syncing_ = false;
  synced_ = *synced;
  settle(pending_.size());
  return {};
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
  if (rows > 0) {
    account_.delivered(rows, bytes);
  }
}

Status OutputFile::failed(Status status) {
  cut_back_ = true;
  syncing_ = false;
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
    Status status = file_->abandon();
    file_.reset();
    return status;
  }
  Status status = file_->commit(wait);
  if (ran_out_of_time(status)) {
    return status;
  }
  if (!status.ok()) {
    return failed(status);
  }
  syncing_ = false;
  settle(pending_.size());
  file_.reset();
  return {};
}

// Ends a file of which only the first synced_ bytes may be seen.
Status OutputFile::publish_synced(const Wait& wait) {
  FLUME_CHECK(pending_.empty(), path_);
  if (has_name_ || synced_ == 0) {
    Status status = file_->abandon();
    file_.reset();
    return status;
  }
  if (Status status = file_->sync(wait).status(); ran_out_of_time(status)) {
    return status;  // a sync under way holds the file
  }
  file_.reset();
  FLUME_ASSIGN_OR_RETURN(file_, storage_->resume(path_, synced_));
  cut_back_ = false;
  wrote_rows_ = true;
  return close(wait);
}

}  // namespace flume::node
