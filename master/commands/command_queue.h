// CommandQueue: runs commands one after another in one thread (commands), commits what they change together with their
// entry in the history, and keeps the last kHistoryLength of them. Ids count up and go on after a restart. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/sync.h"
#include "common/base/thread.h"
#include "master/commands/command.h"
#include "master/config/mirror.h"

namespace flume::master {

enum class CommandState : uint8_t { kQueued, kExecing, kSucceeded, kFailed };
std::string_view command_state_name(CommandState state);  // "QUEUED" ...

struct CommandRecord {
  uint64_t id = 0;
  std::string command;
  std::vector<std::string> args;
  CommandState state = CommandState::kQueued;
  std::string message;
  std::string who;
  int64_t submitted_millis = 0;
  int64_t finished_millis = 0;            // 0: not yet
  bool changed = false;                   // more than the history
  std::optional<Revision> revision = {};  // that it made
  // Of this process's commands only, not kept in the history:
  Code code = Code::kOk;
  bool is_spec_error = false;
  std::vector<SpecFinding> findings;

  bool is_finished() const { return state == CommandState::kSucceeded || state == CommandState::kFailed; }
  std::string line() const;           // classic form: "config [agent, null, console]"
  std::string to_json() const;        // one object of GET /commands (docs/api.md)
  std::string history_value() const;  // the same as the store keeps it
};

struct Submission {
  std::string command;
  std::vector<std::string> args;
  std::string who;
  std::optional<Revision> if_revision = {};
};

class CommandQueue {
 public:
  struct Parts {
    Mirror& mirror;
    const SpecChecker& checker;
    Clock& clock;
    std::string save_file;
    std::string default_flow;
    // After a commit: these nodes' reported states are forgotten (all of them: empty list, true).
    std::function<void(const std::vector<std::string>& names, bool all)> forget;
    std::function<void()> on_change;  // a command came, began or ended; must only post or notify
  };
  static constexpr size_t kMaxQueued = 1000;

  explicit CommandQueue(Parts parts);
  ~CommandQueue();
  CommandQueue(const CommandQueue&) = delete;
  CommandQueue& operator=(const CommandQueue&) = delete;

  void start();  // takes up the history of the mirror's view, starts the thread
  void stop();   // what is still queued fails with "stopped"

  // The id. kBusy: too many are waiting. An unknown command or a wrong number of arguments is accepted and fails: who
  // wants to refuse it calls check_command() first.
  Result<uint64_t> submit(Submission submission) FLUME_EXCLUDES(mutex_);
  std::optional<CommandRecord> find(uint64_t id) const FLUME_EXCLUDES(mutex_);
  // The record once it is finished, or as it is when the wait is over. Nothing: no such id.
  std::optional<CommandRecord> wait_for(uint64_t id, const Wait& wait) const FLUME_EXCLUDES(mutex_);
  // Newest first, ids below `before`.
  std::vector<CommandRecord> list(size_t limit, uint64_t before = UINT64_MAX) const FLUME_EXCLUDES(mutex_);

 private:
  void run();
  void execute(uint64_t id, const Submission& submission);
  Status attempt(const Submission& submission, CommandRecord& record);
  Status commit(CommandRecord& record, std::vector<Change> changes);
  void update(const CommandRecord& record) FLUME_EXCLUDES(mutex_);

  Parts parts_;
  StopSource stop_;
  Thread thread_;
  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::deque<std::pair<uint64_t, Submission>> queue_ FLUME_GUARDED_BY(mutex_);  // at most kMaxQueued
  std::map<uint64_t, CommandRecord> records_ FLUME_GUARDED_BY(mutex_);
  uint64_t next_id_ FLUME_GUARDED_BY(mutex_) = 0;
};

}  // namespace flume::master
