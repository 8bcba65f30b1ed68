#include "common/cli/termination.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "common/base/check.h"
#include "common/base/log.h"

namespace flume {
namespace {

sigset_t termination_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&signals, signal);
  }
  return signals;
}

}  // namespace

Termination::Termination() {
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t signals = termination_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signals_.reset(::signalfd(-1, &signals, SFD_CLOEXEC));
  FLUME_CHECK(signals_.is_open(), "signalfd");
  thread_ = Thread("signals", [this] {
    pollfd waiting[] = {{signals_.fd(), POLLIN, 0}, {end_.token().fd(), POLLIN, 0}};
    while (::poll(waiting, 2, -1) < 0 && errno == EINTR) {
    }
    if ((waiting[0].revents & POLLIN) == 0) {
      return;
    }
    signalfd_siginfo first;
    (void)!::read(signals_.fd(), &first, sizeof first);
    // From here on a second one ends the process at once, as it would any other program.
    const sigset_t deadly = termination_signals();
    pthread_sigmask(SIG_UNBLOCK, &deadly, nullptr);
    stop_.request_stop();
    while (::poll(&waiting[1], 1, -1) < 0 && errno == EINTR) {
    }
  });
}

Termination::~Termination() {
  end_.request_stop();
  thread_.join();
}

void Termination::wait() const {
  pollfd waiting{stop_.token().fd(), POLLIN, 0};
  while (::poll(&waiting, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace flume
