#include "node/storing/storing_sink.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/base/text.h"
#include "node/runtime/log_book.h"

namespace flume::node {

namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(5);

}  // namespace

Status StoringSink::open(Context& context, const Wait& wait) {
  open_.clear();
  closing_.clear();
  returned_.clear();
  clock_ = &context.clock;
  if (!account_) {
    account_.emplace(context.metrics);
  }
  FLUME_ASSIGN_OR_RETURN(const StorageSet::Place place, context.storage.find(options_.url));
  storage_ = place.storage;
  FLUME_ASSIGN_OR_RETURN(pattern_, PathPattern::parse(place.path, options_.with_escapes));
  const Settings& settings = context.settings;
  file_options_ = {.ack = options_.ack,
                   .sync_every = settings.millis("flume.storage.sync.millis"),
                   .ack_every = settings.millis("flume.storage.ack.millis"),
                   .journal = {context.journal, context.instance, clock_}};
  if (options_.may_compress) {
    const auto codec = parse_file_codec(settings.text("flume.collector.dfs.compress.codec"));
    FLUME_RETURN_IF_ERROR(codec.status().with_context("flume.collector.dfs.compress.codec"));
    file_options_.codec = *codec;
  }
  wish_ = CommitWish(context.logs.commits());
  early_ = &context.metrics.counter("flume_storage_early_commits_total");
  max_open_ = static_cast<size_t>(settings.integer("flume.storage.open.max"));
  idle_ = settings.millis("flume.storage.idle.millis");
  FLUME_RETURN_IF_ERROR(known_.open(context));
  FLUME_RETURN_IF_ERROR(recover(context.journal, wait));
  return pattern_->has_escapes() ? Status() : file_for(pattern_->text(), wait).status();
}

// First what the journal knows; what is left then is published as far as its rows are complete.
Status StoringSink::recover(journal::Journal* journal, const Wait& wait) {
  if (journal != nullptr) {
    recover_journalled(*storage_, *journal, wait);
  }
  const bool whole_machine = pattern_->folder() == "/" && pattern_->has_escapes();
  if (whole_machine || options_.recovered->contains(options_.url)) {
    return {};
  }
  FLUME_RETURN_IF_ERROR(storage_->recover(pattern_->folder(), pattern_->depth(),
                                          [this](std::string_view name) { return pattern_->matches(name); }));
  options_.recovered->add(options_.url);
  return {};
}

Result<OutputFile*> StoringSink::file_for(const StorePath& path, const Wait& wait) {
  if (const auto found = open_.find(path); found != open_.end()) {
    return found->second.get();
  }
  FLUME_RETURN_IF_ERROR(make_room(wait));
  FLUME_ASSIGN_OR_RETURN(auto file,
                         OutputFile::create(storage_, path, options_.format(), file_options_, *account_, wait));
  return open_.emplace(path, std::move(file)).first->second.get();
}

// Closes the file used longest ago while too many are open, and waits when the disk does not keep up with closing.
Status StoringSink::make_room(const Wait& wait) {
  while (open_.size() >= max_open_) {
    start_closing(std::min_element(open_.begin(), open_.end(), [](const auto& a, const auto& b) {
      return a.second->last_append() < b.second->last_append();
    }));
  }
  return closing_.size() < max_open_ ? Status() : go_on_closing(wait);
}

AppendResult StoringSink::append(const EventBatch& batch, const Wait& wait) {
  return known_.append(batch, *account_, clock_->now(),
                       [this, &wait](const EventBatch& rows) { return append_new(rows, wait); });
}

AppendResult StoringSink::append_new(const EventBatch& batch, const Wait& wait) {
  const uint32_t run = pattern_->expand(batch, 0, path_);
  if (run < batch.rows()) {
    return append_to_many(batch, run, wait);
  }
  const auto file = file_for(path_, wait);
  Status status = file.ok() ? (*file)->append(batch, clock_->now(), wait) : file.status();
  const uint32_t taken = status.ok() ? batch.rows() : 0;
  return {std::move(status), taken};
}

// Rows are taken once they are staged: those of a file that cannot be written come back through take_back().
AppendResult StoringSink::append_to_many(const EventBatch& batch, uint32_t first_run, const Wait& wait) {
  const TimePoint now = clock_->now();
  Status status;
  uint32_t taken = 0;
  uint32_t run = first_run;
  std::vector<OutputFile*> staged;
  while (true) {
    const auto file = file_for(path_, wait);
    const EventBatch rows = batch.slice(taken, run);
    status = file.ok() ? (*file)->prepare(rows, wait) : file.status();
    if (!status.ok()) {
      break;
    }
    (*file)->stage(rows, now);
    if (std::find(staged.begin(), staged.end(), *file) == staged.end()) {
      staged.push_back(*file);
    }
    taken += run;
    if (taken == batch.rows()) {
      break;
    }
    run = pattern_->expand(batch, taken, path_);
  }
  for (OutputFile* file : staged) {
    const Status written = file->write_staged(wait);
    status = status.ok() ? written : status;
  }
  return {std::move(status), taken};
}

TimePoint StoringSink::due() const {
  if (wish_.is_new() && has_commit_to_make()) {
    return TimePoint::min();
  }
  TimePoint due = std::min(known_.due(), closing_.empty() ? TimePoint::max() : next_look_);
  for (const auto& [path, file] : open_) {
    due = std::min(due, file->due());
    if (pattern_->has_escapes()) {
      due = std::min(due, file->last_append() + idle_);
    }
  }
  return due;
}

Status StoringSink::tick(TimePoint now) {
  if (account_) {
    known_.tick(now, *account_);
  }
  if (wish_.take()) {
    publish_early();
  }
  for (auto entry = open_.begin(); entry != open_.end();) {
    FLUME_RETURN_IF_ERROR(entry->second->tick(now));
    const bool is_idle = pattern_->has_escapes() && entry->second->last_append() + idle_ <= now;
    entry = is_idle ? start_closing(entry) : std::next(entry);
  }
  if (!closing_.empty() && now >= next_look_) {
    const Status status = go_on_closing(Wait{TimePoint::min(), {}});
    next_look_ = now + kLookAgain;
    return status.ran_out_of_time() ? Status() : status;
  }
  return {};
}

bool StoringSink::has_commit_to_make() const {
  return std::any_of(open_.begin(), open_.end(), [](const auto& entry) {
    return entry.second->settles_at_close() && entry.second->has_unsettled();
  });
}

// R8: a log that waits for these rows is nearly full.
void StoringSink::publish_early() {
  uint64_t files = 0;
  for (auto entry = open_.begin(); entry != open_.end();) {
    const bool settles = entry->second->settles_at_close() && entry->second->has_unsettled();
    files += settles ? 1 : 0;
    entry = settles ? start_closing(entry) : std::next(entry);
  }
  if (files > 0) {
    early_->add(files);
    FLUME_LOG_EVERY(60'000, kInfo, "files are published early: a log that waits for it is nearly full",
                    kv("url", options_.url), kv("files", files));
  }
}

StoringSink::Files::iterator StoringSink::start_closing(Files::iterator file) {
  closing_.push_back(std::move(file->second));
  next_look_ = TimePoint::min();
  return open_.erase(file);
}

// OK: all that were to be closed are. Goes through all of them whatever happens to one.
Status StoringSink::go_on_closing(const Wait& wait) {
  Status first;
  for (auto& file : closing_) {
    const Status status = finish(*file, wait);
    first = first.ok() || first.ran_out_of_time() ? (status.ok() ? first : status) : first;
    if (!status.ran_out_of_time()) {
      file.reset();
    }
  }
  closing_.erase(std::remove(closing_.begin(), closing_.end(), nullptr), closing_.end());
  return first;
}

Status StoringSink::finish(OutputFile& file, const Wait& wait) {
  Status status = file.close(wait);
  if (status.ok() || status.ran_out_of_time()) {
    return status;
  }
  const auto rows = file.take_back();
  returned_.insert(returned_.end(), rows.begin(), rows.end());
  if (const Status cut = file.close(wait); !cut.ok()) {
    FLUME_LOG(kError, "a file keeps its working name until the next start", kv("file", file.path()), kv("error", cut));
  }
  return status;
}

Status StoringSink::flush(const Wait& wait) {
  for (auto entry = open_.begin(); entry != open_.end();) {
    OutputFile& file = *entry->second;
    FLUME_RETURN_IF_ERROR(file.flush(wait));
    // What is settled only by publishing has to be published.
    entry = file.settles_at_close() && file.has_unsettled() ? start_closing(entry) : std::next(entry);
  }
  FLUME_RETURN_IF_ERROR(go_on_closing(wait));
  return account_ ? known_.flush(wait, *account_) : Status();
}

std::vector<EventBatch> StoringSink::take_back() {
  std::vector<EventBatch> rows = std::exchange(returned_, {});
  const auto take = [&rows](OutputFile& file) {
    auto more = file.take_back();
    rows.insert(rows.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  for (const auto& file : closing_) {
    take(*file);
  }
  for (const auto& [path, file] : open_) {
    take(*file);
  }
  if (account_) {
    known_.take_back(rows, *account_);
  }
  return rows;
}

Status StoringSink::close(const Wait& wait) {
  for (auto entry = open_.begin(); entry != open_.end();) {
    entry = start_closing(entry);
  }
  const Status closed = go_on_closing(wait);
  const Status flushed = account_ ? known_.flush(wait, *account_) : Status();
  return closed.ok() ? flushed : closed;
}

}  // namespace flume::node
