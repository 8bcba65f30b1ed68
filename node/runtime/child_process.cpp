#include "node/runtime/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "common/base/text.h"

extern char** environ;

namespace flume::node {

namespace {

constexpr int kPipeBytes = 1 << 20;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) {
    return Status::from_errno(errno, "make a pipe");
  }
  Pipe pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
  ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
  ::fcntl(fds[0], F_SETPIPE_SZ, kPipeBytes);  // only speed: refused beyond the user's share
  return pipe;
}

// Attributes and file actions of posix_spawn, freed at the end.
class SpawnPlan {
 public:
  SpawnPlan(int out, int err) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  int run(const std::vector<std::string>& words, pid_t& pid) {
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (const std::string& word : words) {
      argv.push_back(const_cast<char*>(word.c_str()));  // the C interface lacks a const
    }
    argv.push_back(nullptr);
    return ::posix_spawnp(&pid, argv[0], &actions_, &attributes_, argv.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  const auto broken = [&](std::string_view why) { return invalid(str_cat("command ", quoted(command), ": ", why)); };
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (quote == 0 && is_space(c)) {
      if (std::exchange(in_word, false)) {
        words.push_back(std::exchange(word, {}));
      }
      continue;
    }
    in_word = true;
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'') {
      if (i + 1 == command.size()) {
        return broken("ends in a backslash");
      }
      const char next = command[++i];
      const bool escapes = quote == 0 || std::string_view("\"\\$`\n").find(next) != std::string_view::npos;
      if (!escapes) {
        word.push_back('\\');
      }
      if (next != '\n') {
        word.push_back(next);
      }
    } else if (c == '\0') {
      return broken("has a NUL in it");
    } else {
      word.push_back(c);
    }
  }
  if (quote != 0) {
    return broken(quote == '"' ? "a \" is not closed" : "a ' is not closed");
  }
  if (in_word) {
    words.push_back(std::move(word));
  }
  if (words.empty()) {
    return broken("is empty");
  }
  return words;
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const std::vector<std::string>& words) {
  FLUME_ASSIGN_OR_RETURN(Pipe out, make_pipe());
  FLUME_ASSIGN_OR_RETURN(Pipe err, make_pipe());
  pid_t pid = -1;
  if (const int error = SpawnPlan(out.write.fd(), err.write.fd()).run(words, pid); error != 0) {
    return Status::from_errno(error, str_cat("run ", quoted(words[0])));
  }
  std::unique_ptr<ChildProcess> child(new ChildProcess());
  child->pid_ = pid;
  child->out_ = std::move(out.read);
  child->err_ = std::move(err.read);
  child->exit_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // glibc 2.36 declares it for C only
  if (!child->exit_.is_open()) {
    return Status::from_errno(errno, str_cat("watch ", quoted(words[0])));
  }
  return child;
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    end(Wait{TimePoint(), {}});
  }
}

bool ChildProcess::has_ended() const {
  siginfo_t info{};
  return pid_ < 0 ||
         (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_);
}

ChildProcess::Exit ChildProcess::reap() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFSIGNALED(status) ? Exit{true, WTERMSIG(status)} : Exit{false, WEXITSTATUS(status)};
}

ChildProcess::Exit ChildProcess::end(const Wait& wait) {
  out_.reset();  // who waits for room in a pipe is not to wait any longer
  err_.reset();
  ::kill(-pid_, SIGTERM);
  pollfd ended{exit_.fd(), POLLIN, 0};
  while (::poll(&ended, 1, wait.poll_millis()) < 0 && errno == EINTR) {
  }
  ::kill(-pid_, SIGKILL);  // the leader is there, dead or alive, so the group's number is still its own
  return reap();
}

std::string ChildProcess::Exit::text() const {
  if (by_signal) {
    const char* name = ::sigdescr_np(code);
    return str_cat("signal ", code, name == nullptr ? "" : str_cat(" (", name, ")"));
  }
  return str_cat("exit status ", code);
}

}  // namespace flume::node
