#include "node/torture/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "common/base/text.h"
#include "common/io/posix.h"

extern char** environ;

namespace flume::torture {
namespace {

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& more) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    all.emplace_back(*entry);
  }
  for (const auto& [name, value] : more) {
    const std::string start = name + "=";
    std::erase_if(all, [&start](const std::string& entry) { return entry.starts_with(start); });
    all.push_back(start + value);
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (std::string& word : words) {
    out.push_back(word.data());
  }
  out.push_back(nullptr);
  return out;
}

// In the child, up to exec: only what is safe after fork.
[[noreturn]] void become(char* const* argv, char* const* envp, const char* folder, int log, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  const bool ready = ::getppid() == parent && ::dup2(null, STDIN_FILENO) >= 0 && ::dup2(log, STDOUT_FILENO) >= 0 &&
                     ::dup2(log, STDERR_FILENO) >= 0 && ::chdir(folder) == 0;
  if (ready) {
    ::execve(argv[0], argv, envp);
  }
  ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<Process>> Process::start(const ProcessOptions& options) {
  FLUME_ASSIGN_OR_RETURN(const UniqueFd log, open_file(options.log, O_WRONLY | O_APPEND | O_CREAT));
  std::vector<std::string> words = options.words;
  std::vector<std::string> environment = environment_with(options.environment);
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> envp = pointers(environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    become(argv.data(), envp.data(), options.folder.c_str(), log.fd(), parent);
  }
  if (pid < 0) {
    return Status::from_errno(errno, str_cat("start ", quoted(words[0])));
  }
  std::unique_ptr<Process> process(new Process());
  process->pid_ = pid;
  process->exit_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // glibc 2.36 declares it for C only
  if (!process->exit_.is_open()) {
    return Status::from_errno(errno, str_cat("watch ", quoted(words[0])));
  }
  return process;
}

Process::~Process() { kill(); }

void Process::reap(int options) {
  if (ended_) {
    return;
  }
  pid_t got = 0;
  while ((got = ::waitpid(pid_, &status_, options)) < 0 && errno == EINTR) {
  }
  ended_ = got != 0;
}

bool Process::running() {
  reap(WNOHANG);
  return !ended_;
}

void Process::kill() {
  if (running()) {
    ::kill(pid_, SIGKILL);
    reap(0);
  }
}

Status Process::terminate(const Wait& wait) {
  if (running()) {
    ::kill(pid_, SIGTERM);
    pollfd ended{exit_.fd(), POLLIN, 0};
    while (::poll(&ended, 1, wait.poll_millis()) < 0 && errno == EINTR) {
    }
    if (!running()) {
      return WIFEXITED(status_) && WEXITSTATUS(status_) == 0
                 ? Status()
                 : Status(Code::kInternal, str_cat("process ", pid_, ": ended with ", ending(), " after SIGTERM"));
    }
    kill();
    return {Code::kTimeout, str_cat("process ", pid_, ": did not end after SIGTERM")};
  }
  return {Code::kInternal, str_cat("process ", pid_, ": had ended before, with ", ending())};
}

std::string Process::ending() const {
  return WIFSIGNALED(status_) ? str_cat("signal ", WTERMSIG(status_)) : str_cat("exit status ", WEXITSTATUS(status_));
}

namespace {

Status set_limit(pid_t pid, __rlimit_resource which, rlim_t most, std::string_view name) {
  rlimit limit{};
  if (::prlimit(pid, which, nullptr, &limit) != 0) {
    return Status::from_errno(errno, str_cat("read the limit ", name, " of process ", pid));
  }
  limit.rlim_cur = most == 0 ? limit.rlim_max : std::min<rlim_t>(most, limit.rlim_max);
  if (::prlimit(pid, which, &limit, nullptr) != 0) {
    return Status::from_errno(errno, str_cat("set the limit ", name, " of process ", pid));
  }
  return {};
}

}  // namespace

Status Process::limit_descriptors(uint64_t most) { return set_limit(pid_, RLIMIT_NOFILE, most, "NOFILE"); }
Status Process::limit_file_size(uint64_t most) { return set_limit(pid_, RLIMIT_FSIZE, most, "FSIZE"); }

uint64_t Process::resident_bytes() const {
  const auto text = read_file(str_cat("/proc/", pid_, "/statm"), 4096);
  if (!text.ok()) {
    return 0;
  }
  const auto words = split(*text, ' ');
  const auto pages = words.size() > 1 ? parse_number<uint64_t>(words[1]) : std::nullopt;
  return pages.value_or(0) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

uint64_t Process::descriptors() const {
  std::error_code error;
  uint64_t count = 0;
  for (std::filesystem::directory_iterator it(str_cat("/proc/", pid_, "/fd"), error), end; !error && it != end;
       it.increment(error)) {
    ++count;
  }
  return count;
}

Result<std::vector<uint16_t>> free_ports(size_t count, std::vector<UniqueFd>& held) {
  std::vector<uint16_t> ports;
  for (size_t i = 0; i < count; ++i) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    // Bound and not listening: with this option on both sockets, another one may be bound to the same port and listen.
    if (!fd.is_open() || ::setsockopt(fd.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(fd.fd(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(fd.fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      return Status::from_errno(errno, "find a free port");
    }
    ports.push_back(ntohs(address.sin_port));
    held.push_back(std::move(fd));
  }
  return ports;
}

void pause(Duration time, const StopToken& stop) {
  const Wait wait = Wait::for_duration(time, stop);
  pollfd stopped{stop.fd(), POLLIN, 0};
  while (!wait.over()) {
    (void)::poll(&stopped, 1, wait.poll_millis());
  }
}

}  // namespace flume::torture
