#include "common/cli/watchdog.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <deque>

#include "common/base/clock.h"
#include "common/base/command.h"
#include "common/base/fd.h"
#include "common/base/log.h"

namespace flume {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);

sigset_t watched_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) {
    sigaddset(&signals, signal);
  }
  return signals;
}

// In the child, up to exec: only what is safe after fork.
[[noreturn]] void become(char* const* argv, bool keep_stdin, const sigset_t& blocked, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) {
    ::_exit(kExitFailed);  // the watchdog went before we could ask to be told
  }
  ::sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
  if (!keep_stdin) {
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(null, STDIN_FILENO);
  }
  ::execv("/proc/self/exe", argv);
  ::_exit(127);
}

class Watchdog {
 public:
  explicit Watchdog(const WatchdogOptions& options) : options_(options), signals_(watched_signals()) {
    ::sigprocmask(SIG_BLOCK, &signals_, nullptr);
    descriptor_.reset(::signalfd(-1, &signals_, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  int run() {
    while (true) {
      pause_if_too_many();
      if (ending_) {
        return kExitOk;
      }
      start();
      const int status = wait_for_child();
      const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      if (ending_ || code == kExitOk || code == kExitUsage || code == 127) {
        return code;
      }
      FLUME_LOG(kError, "the process ended; it is started again", kv("command", options_.command[0]),
                kv(WIFEXITED(status) ? "exit" : "signal", WIFEXITED(status) ? code : WTERMSIG(status)));
    }
  }

 private:
  void start() {
    std::vector<std::string> words = {"flume"};
    words.insert(words.end(), options_.command.begin(), options_.command.end());
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) {
      argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    const pid_t self = ::getpid();
    child_ = ::fork();
    if (child_ == 0) {
      become(argv.data(), options_.keep_stdin, signals_, self);
    }
    starts_.push_back(clock_.now());
  }

  // Waits while more starts than allowed lie within the last minute; ends early at a termination signal.
  void pause_if_too_many() {
    while (!ending_ && static_cast<int>(starts_.size()) > options_.restarts_per_minute) {
      const Duration left = starts_.front() + kMinute - clock_.now();
      if (left <= Duration::zero()) {
        starts_.pop_front();
        continue;
      }
      wait_for_signal(static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    }
  }

  int wait_for_child() {
    while (true) {
      int status = 0;
      const pid_t ended = ::waitpid(child_, &status, WNOHANG);
      if (ended == child_) {
        child_ = -1;
        return status;
      }
      if (ended < 0 && errno != EINTR) {
        return kExitFailed << 8;
      }
      wait_for_signal(-1);
    }
  }

  void wait_for_signal(int millis) {
    pollfd waiting{descriptor_.fd(), POLLIN, 0};
    if (::poll(&waiting, 1, millis) <= 0) {
      return;
    }
    signalfd_siginfo info;
    while (::read(descriptor_.fd(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGCHLD) {
        continue;
      }
      if (child_ > 0) {
        ::kill(child_, ending_ ? SIGKILL : SIGTERM);
      }
      ending_ = true;
    }
  }

  const WatchdogOptions& options_;
  const sigset_t signals_;
  SystemClock clock_;
  UniqueFd descriptor_;
  pid_t child_ = -1;
  bool ending_ = false;
  std::deque<TimePoint> starts_;
};

}  // namespace

int run_watchdog(const WatchdogOptions& options) { return Watchdog(options).run(); }

}  // namespace flume
