// exec(command[, aggregate[, restart[, period]]]), execPeriodic(command, period), execStream(command) — what a command
// of the machine prints, on standard output and on standard error.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "common/base/text.h"
#include "node/runtime/child_process.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr Duration kLeastPause = std::chrono::milliseconds(100);  // between two starts of a command that ends at once
constexpr Duration kEndTimeout = std::chrono::seconds(5);

struct ExecOptions {
  std::string command = {};
  bool aggregate = false;
  bool restart = false;
  Duration period{};
};

// One of the command's two outputs, over all its runs.
class Output {
 public:
  Output(const Context& context, const ExecOptions& options, const char* name)
      : clock_(context.clock),
        limit_(context.limits.event_bytes),
        aggregate_(options.aggregate),
        cut_lines_(context.metrics.counter("flume_lines_cut_total")),
        cut_bytes_(context.metrics.counter("flume_cut_bytes_total")),
        builder_(builder_options(context, options)) {
    event_.host = context.identity.host;
    builder_.set_constant("execcmd", options.command);
    builder_.set_constant("procsource", name);
    builder_.set_constant("service", "exec");
  }

  void attach(int fd) {
    fd_ = fd;
    if (!aggregate_) {
      builder_.drop_unfinished();  // of a line that was cut in the run before
    }
  }
  int fd() const { return fd_; }  // -1: at its end
  const std::shared_ptr<AckTracker>& tracker() const { return tracker_; }

  // What is there now. At the output's end what is left becomes a row.
  Status read() {
    const std::span<char> space = builder_.space(1);
    const size_t want = std::min(space.size(), kReadBytes);
    const ssize_t got = ::read(fd_, aggregate_ ? buffer_for(want) : space.data(), want);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return {};
    }
    if (got < 0) {
      return Status::from_errno(errno, "read a command's output");
    }
    if (got == 0) {
      fd_ = -1;
      if (aggregate_) {
        add_gathered();
      }
    } else if (aggregate_) {
      gather(static_cast<size_t>(got));
    } else {
      commit(static_cast<size_t>(got));
    }
    return {};
  }

  bool take(EventBatch& out) {
    if (builder_.rows() == 0 && builder_.has_uncut()) {
      commit(0);
    }
    if (builder_.rows() == 0 && fd_ < 0 && builder_.unfinished_bytes() > 0) {
      builder_.finish_line(clock_.wall_millis(), clock_.monotonic_nanos());  // the last words
    }
    if (builder_.rows() == 0) {
      return false;
    }
    const EventBatch batch = builder_.seal({});
    out = batch.with_token(tracker_->issue(batch.origin().end_position, batch.rows(), batch.body_bytes()));
    return true;
  }

 private:
  static BuilderOptions builder_options(const Context& context, const ExecOptions& options) {
    BuilderOptions made;
    made.origin = new_origin(context);
    made.delimiter = options.aggregate ? "" : "\n";
    made.host = context.identity.host;
    made.limits = context.limits;
    made.oversize = Oversize::kCut;
    return made;
  }

  char* buffer_for(size_t bytes) {
    buffer_.resize(bytes);
    return buffer_.data();
  }

  void gather(size_t bytes) {
    const size_t kept = std::min(bytes, limit_ - event_.body.size());
    event_.body.append(buffer_, 0, kept);
    cut_bytes_.add(bytes - kept);
  }

  void commit(size_t bytes) {
    builder_.commit_lines(bytes, clock_.wall_millis(), clock_.monotonic_nanos());
    const uint64_t rows = builder_.oversized_rows();
    const uint64_t discarded = builder_.discarded_bytes();
    cut_lines_.add(rows - std::exchange(oversized_rows_, rows));
    cut_bytes_.add(discarded - std::exchange(discarded_bytes_, discarded));
  }

  void add_gathered() {
    buffer_ = {};
    if (!event_.body.empty()) {
      event_.timestamp = clock_.wall_millis();
      event_.nanos = clock_.monotonic_nanos();
      builder_.add(event_);
      event_.body.clear();
    }
  }

  Clock& clock_;
  const size_t limit_;
  const bool aggregate_;
  Counter& cut_lines_;
  Counter& cut_bytes_;
  BatchBuilder builder_;
  std::shared_ptr<AckTracker> tracker_ = AckTracker::create(0);  // shared: tokens keep it
  int fd_ = -1;
  std::string buffer_;  // aggregate only
  Event event_;         // aggregate only: what was printed so far
  uint64_t oversized_rows_ = 0;
  uint64_t discarded_bytes_ = 0;
};

class ExecSource final : public Source {
 public:
  explicit ExecSource(ExecOptions options) : options_(std::move(options)) {}

  Status open(Context& context, const Wait&) override {
    context_ = &context;
    FLUME_ASSIGN_OR_RETURN(words_, split_command(options_.command));
    outputs_.clear();
    outputs_.push_back(std::make_unique<Output>(context, options_, "STDOUT"));
    outputs_.push_back(std::make_unique<Output>(context, options_, "STDERR"));
    return start();
  }

  Result<Next> next(EventBatch& out, const Wait& wait) override {
    for (bool waited = false;; waited = true) {
      for (size_t i = 0; i < outputs_.size(); ++i) {
        if (outputs_[(turn_ + i) % outputs_.size()]->take(out)) {
          turn_ = (turn_ + i + 1) % outputs_.size();
          return Next::kBatch;
        }
      }
      if (child_ == nullptr && !options_.restart) {
        return Next::kEnd;
      }
      if (waited && wait.over()) {
        return Next::kNothingYet;
      }
      if (child_ != nullptr) {
        FLUME_RETURN_IF_ERROR(follow(wait));
      } else if (const Duration left = next_start_ - context_->clock.now(); left > Duration::zero()) {
        rest(wait.at_most(std::chrono::steady_clock::now() + left));
      } else {
        FLUME_RETURN_IF_ERROR(start());
      }
    }
  }

  Status close(const Wait& wait) override {
    if (child_ != nullptr) {
      const auto exit = child_->end(Wait::for_duration(kEndTimeout, wait.stop).at_most(wait.until));
      FLUME_LOG(kInfo, "a command was ended", kv("command", quoted(options_.command)), kv("result", exit.text()));
      child_.reset();
    }
    return {};
  }

  std::vector<std::shared_ptr<AckTracker>> trackers() const override {
    std::vector<std::shared_ptr<AckTracker>> all;
    for (const auto& output : outputs_) {
      all.push_back(output->tracker());
    }
    return all;
  }

 private:
  Status start() {
    FLUME_ASSIGN_OR_RETURN(child_, ChildProcess::start(words_));
    context_->metrics.counter("flume_exec_runs_total").add(1);
    started_ = context_->clock.now();
    outputs_[0]->attach(child_->out());
    outputs_[1]->attach(child_->err());
    return {};
  }

  static void rest(const Wait& wait) {
    pollfd stop{wait.stop.fd(), POLLIN, 0};
    ::poll(&stop, 1, wait.poll_millis());
  }

  // Waits for output or the command's end, and reads what is there.
  Status follow(const Wait& wait) {
    const bool silent = outputs_[0]->fd() < 0 && outputs_[1]->fd() < 0;
    std::array<pollfd, 4> fds{{{outputs_[0]->fd(), POLLIN, 0},
                               {outputs_[1]->fd(), POLLIN, 0},
                               {silent ? child_->exit_fd() : -1, POLLIN, 0},
                               {wait.stop.fd(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), wait.poll_millis()) < 0 && errno != EINTR) {
      return Status::from_errno(errno, "wait for a command's output");
    }
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (fds[i].revents != 0) {
        FLUME_RETURN_IF_ERROR(outputs_[i]->read());
      }
    }
    if (outputs_[0]->fd() < 0 && outputs_[1]->fd() < 0 && child_->has_ended()) {
      ended(child_->reap());
    }
    return {};
  }

  void ended(const ChildProcess::Exit& exit) {
    child_.reset();
    context_->metrics.gauge("flume_exec_last_exit_status").set(exit.by_signal ? 128 + exit.code : exit.code);
    if (exit.by_signal || exit.code != 0) {
      context_->metrics.counter("flume_exec_failures_total").add(1);
      FLUME_LOG_EVERY(60'000, kWarn, "a command failed", kv("command", quoted(options_.command)),
                      kv("result", exit.text()));
    }
    const TimePoint now = context_->clock.now();
    next_start_ = std::max(now + options_.period, started_ + kLeastPause);
  }

  const ExecOptions options_;
  std::vector<std::string> words_;
  Context* context_ = nullptr;
  std::unique_ptr<ChildProcess> child_;
  std::vector<std::unique_ptr<Output>> outputs_;  // standard output, standard error
  size_t turn_ = 0;
  TimePoint started_{};
  TimePoint next_start_{};
};

constexpr const char* kDoc =
    "The command is split into words by the shell's rules for quotes (`'...'`, `\"...\"`, `\\`), but no shell runs: "
    "nothing is expanded, and pipes need `sh -c '...'`. Its input is empty. Each event has the attributes `procsource` "
    "(`STDOUT` or `STDERR`), `execcmd` (the command) and `service` (`exec`). A last line without a newline counts. "
    "What is longer than `flume.event.max.size.bytes` is cut, and counted. When the source closes, the command and all "
    "that it started in its process group are ended. A failing command is logged and counted. A configuration that "
    "comes from a master may run commands only if the node's owner set `flume.node.pushed.exec`.";

lang::ComponentSpec spec_of(const char* name, const char* summary) {
  lang::ComponentSpec spec;
  spec.name = name;
  spec.summary = summary;
  spec.doc = kDoc;
  spec.runs_commands = true;
  spec.args = {{.name = "command", .doc = "Program and arguments.", .required = true}};
  return spec;
}

void add(Registry& registry, lang::ComponentSpec spec, const ExecOptions& fixed) {
  registry.add_source(std::move(spec), [fixed](const lang::Plan& plan, const Build&) -> std::unique_ptr<Source> {
    ExecOptions options = fixed;
    options.command = plan.args.text("command");
    if (plan.args.has("aggregate")) {
      options.aggregate = plan.args.boolean("aggregate");
      options.restart = plan.args.boolean("restart");
    }
    if (plan.args.has("period")) {
      options.period = plan.args.duration("period");
    }
    return std::make_unique<ExecSource>(std::move(options));
  });
}

lang::ArgSpec period_arg() {
  return {.name = "period",
          .doc = "Pause between the end of a run and the next one; at least 100 ms lie between two starts.",
          .unit = "ms",
          .type = lang::ArgType::kDuration,
          .min = 0};
}

}  // namespace

void register_source_exec(Registry& registry) {
  lang::ComponentSpec exec = spec_of("exec", "Runs a command; an event for each line that it prints.");
  exec.args.push_back({.name = "aggregate",
                       .doc = "One event for all that a run printed, instead of one for each line.",
                       .default_text = "false",
                       .type = lang::ArgType::kBool});
  exec.args.push_back({.name = "restart",
                       .doc = "Run the command again when it ends.",
                       .default_text = "false",
                       .type = lang::ArgType::kBool});
  exec.args.push_back(period_arg());
  exec.args.back().default_text = "0";
  exec.examples = {{R"(exec("vmstat -n 5"))", "A line every five seconds."},
                   {R"(exec("sh -c 'df -h | tail -n +2'", false, true, 60000))", "A pipe, every minute."}};
  add(registry, std::move(exec), {});

  lang::ComponentSpec periodic =
      spec_of("execPeriodic", "Runs a command again and again; one event for all that a run printed.");
  periodic.args.push_back(period_arg());
  periodic.args.back().required = true;
  periodic.examples = {{R"(execPeriodic("uptime", 60000))", "The machine's load every minute."}};
  add(registry, std::move(periodic), {.aggregate = true, .restart = true});

  lang::ComponentSpec stream = spec_of("execStream", "Runs a command once; an event for each line that it prints.");
  stream.examples = {{R"(execStream("journalctl -f -o cat"))", "The journal as it grows."}};
  add(registry, std::move(stream), {});
}

}  // namespace flume::node
