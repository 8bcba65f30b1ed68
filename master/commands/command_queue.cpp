#include "master/commands/command_queue.h"

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::master {

namespace {

constexpr int kAttempts = 5;  // against other masters that change the same keys

// What the history keeps of a record; the inverse of to_json().
Result<CommandRecord> read_record(uint64_t id, std::string_view text) {
  FLUME_ASSIGN_OR_RETURN(const JsonValue value, JsonValue::parse(text));
  CommandRecord record;
  record.id = id;
  FLUME_ASSIGN_OR_RETURN(record.command, value.text("command"));
  const JsonValue* args = value.find("args");
  if (args != nullptr && args->is_array()) {
    for (const JsonValue& arg : *args->array()) {
      FLUME_ASSIGN_OR_RETURN(std::string one, arg.as_text());
      record.args.push_back(std::move(one));
    }
  }
  FLUME_ASSIGN_OR_RETURN(const std::string state, value.text("state"));
  record.state = state == "SUCCEEDED" ? CommandState::kSucceeded : CommandState::kFailed;
  FLUME_ASSIGN_OR_RETURN(record.message, value.text_or("message", ""));
  FLUME_ASSIGN_OR_RETURN(record.who, value.text_or("who", ""));
  FLUME_ASSIGN_OR_RETURN(record.submitted_millis, value.integer_or("submitted_ms", 0));
  FLUME_ASSIGN_OR_RETURN(record.finished_millis, value.integer_or("finished_ms", 0));
  FLUME_ASSIGN_OR_RETURN(record.changed, value.boolean_or("changed", false));
  return record;
}

}  // namespace

std::string_view command_state_name(CommandState state) {
  constexpr std::string_view kNames[] = {"QUEUED", "EXECING", "SUCCEEDED", "FAILED"};
  return kNames[static_cast<size_t>(state)];
}

std::string CommandRecord::line() const { return str_cat(command, " [", join(args, ", "), "]"); }

std::string CommandRecord::history_value() const {
  // The revision is that of the entry itself.
  return str_cat("{\"v\":1,\"changed\":", changed, ",", to_json().substr(1));
}

std::string CommandRecord::to_json() const {
  JsonWriter json;
  json.begin_object().member("id", id).member("command", command).key("args").begin_array();
  for (const std::string& arg : args) {
    json.value(arg);
  }
  json.end_array().member("state", command_state_name(state)).member("message", message).member("who", who);
  json.member("submitted_ms", submitted_millis).key("finished_ms");
  if (finished_millis == 0) {
    json.null();
  } else {
    json.value(finished_millis);
  }
  json.key("revision");
  if (revision) {
    json.value(*revision);
  } else {
    json.null();
  }
  json.end_object();
  return json.take();
}

CommandQueue::CommandQueue(Parts parts) : parts_(std::move(parts)) {}

CommandQueue::~CommandQueue() { stop(); }

void CommandQueue::start() {
  const auto view = parts_.mirror.view();
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, kept] : view->history) {
      next_id_ = id + 1;
      auto record = read_record(id, kept.value);
      if (record.ok()) {
        if (record->changed) {
          record->revision = kept.modified;
        }
        records_.insert_or_assign(id, std::move(*record));
      } else {
        FLUME_LOG(kWarn, "command history entry cannot be read", kv("id", id), kv("error", record.status()));
      }
    }
  }
  thread_ = Thread("commands", [this] { run(); });
}

void CommandQueue::stop() {
  stop_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

Result<uint64_t> CommandQueue::submit(Submission submission) {
  CommandRecord record;
  record.command = submission.command;
  record.args = submission.args;
  record.who = submission.who;
  record.submitted_millis = parts_.clock.wall_millis();
  {
    const MutexLock lock(mutex_);
    if (stop_.stop_requested()) {
      return stopped();
    }
    if (queue_.size() >= kMaxQueued) {
      return Status(Code::kBusy, str_cat("submit command '", submission.command, "': ", queue_.size(),
                                         " commands are waiting already"));
    }
    record.id = next_id_++;
    queue_.emplace_back(record.id, std::move(submission));
    records_.emplace(record.id, record);
    changed_.notify_all();
  }
  parts_.on_change();
  return record.id;
}

std::optional<CommandRecord> CommandQueue::find(uint64_t id) const {
  const MutexLock lock(mutex_);
  const auto found = records_.find(id);
  return found == records_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<CommandRecord> CommandQueue::wait_for(uint64_t id, const Wait& wait) const {
  const MutexLock lock(mutex_);
  while (true) {
    const auto found = records_.find(id);
    if (found == records_.end()) {
      return std::nullopt;
    }
    if (found->second.is_finished() || !changed_.wait(mutex_, wait)) {
      return found->second;
    }
  }
}

std::vector<CommandRecord> CommandQueue::list(size_t limit, uint64_t before) const {
  std::vector<CommandRecord> out;
  const MutexLock lock(mutex_);
  for (auto it = records_.lower_bound(before); it != records_.begin() && out.size() < limit;) {
    --it;
    out.push_back(it->second);
  }
  return out;
}

void CommandQueue::run() {
  while (true) {
    std::pair<uint64_t, Submission> next;
    {
      const MutexLock lock(mutex_);
      while (queue_.empty() && changed_.wait(mutex_, Wait{TimePoint::max(), stop_.token()})) {
      }
      if (queue_.empty()) {
        return;
      }
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    execute(next.first, next.second);
  }
}

void CommandQueue::execute(uint64_t id, const Submission& submission) {
  CommandRecord record = *find(id);
  record.state = CommandState::kExecing;
  update(record);
  Status status = stop_.stop_requested() ? stopped() : check_command(submission.command, submission.args.size());
  if (status.ok()) {
    for (int attempts = 0; attempts < kAttempts; ++attempts) {
      status = attempt(submission, record);
      // An answer of the command itself is final; a conflict at the commit means that the view was old.
      if (status.code() != Code::kConflict || submission.if_revision || !parts_.mirror.catch_up().ok()) {
        break;
      }
    }
  }
  if (!status.ok()) {
    record.state = CommandState::kFailed;
    record.code = status.code();
    record.message = status.message();
    record.finished_millis = parts_.clock.wall_millis();
    record.changed = false;
    if (const Status kept = commit(record, {}); !kept.ok()) {
      FLUME_LOG(kWarn, "command history not written", kv("id", record.id), kv("error", kept));
    }
  }
  FLUME_LOG(kInfo, "command", kv("id", record.id), kv("command", quoted(record.line().substr(0, 500))),
            kv("who", record.who), kv("state", command_state_name(record.state)),
            kv("message", quoted(record.message)));
  update(record);
}

Status CommandQueue::attempt(const Submission& submission, CommandRecord& record) {
  const std::shared_ptr<const View> view = parts_.mirror.view();
  const Wait wait{TimePoint::max(), stop_.token()};
  const CommandSpec* const spec = find_command(submission.command);
  CommandOutcome outcome = spec->run({submission.args, *view, parts_.checker, parts_.clock, wait, submission.who,
                                      parts_.save_file, parts_.default_flow, submission.if_revision});
  record.findings = std::move(outcome.findings);
  record.is_spec_error = outcome.is_spec_error;
  FLUME_RETURN_IF_ERROR(outcome.status);
  record.state = CommandState::kSucceeded;
  record.finished_millis = parts_.clock.wall_millis();
  record.changed = !outcome.changes.empty();
  FLUME_RETURN_IF_ERROR(commit(record, std::move(outcome.changes)));
  if (outcome.forget_all || !outcome.forget.empty()) {
    parts_.forget(outcome.forget, outcome.forget_all);
  }
  return {};
}

// One commit for what the command changes and for its place in the history; the oldest entries leave with it.
Status CommandQueue::commit(CommandRecord& record, std::vector<Change> changes) {
  const std::shared_ptr<const View> view = parts_.mirror.view();
  size_t kept = view->history.size() + 1;
  for (auto it = view->history.begin(); it != view->history.end() && kept > kHistoryLength; ++it, --kept) {
    changes.push_back({history_key(it->first), std::nullopt});
  }
  changes.push_back({history_key(record.id), record.history_value()});
  FLUME_ASSIGN_OR_RETURN(const Revision revision, parts_.mirror.store().commit(changes));
  if (record.changed) {
    record.revision = revision;
  }
  return parts_.mirror.catch_up();
}

void CommandQueue::update(const CommandRecord& record) {
  {
    const MutexLock lock(mutex_);
    records_.insert_or_assign(record.id, record);
    while (records_.size() > kHistoryLength + kMaxQueued ||
           (records_.size() > kHistoryLength && records_.begin()->second.is_finished())) {
      records_.erase(records_.begin());
    }
    changed_.notify_all();
  }
  parts_.on_change();
}

}  // namespace flume::master
