// StopSource / StopToken: how a wait anywhere in the process is ended. A token wakes condition variables
// (CondVar::wait) and poll() (its descriptor becomes readable). Every blocking call takes a Wait: a deadline and a
// token. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "common/base/clock.h"

namespace flume {

namespace internal {
struct StopState;
}

class StopToken {
 public:
  StopToken() = default;  // can never be stopped
  bool stop_requested() const;
  // A descriptor that becomes (and stays) readable at stop, for poll(); -1 for a token that cannot be stopped.
  // It lives as long as any token or source of the same state.
  int fd() const;
  std::stop_token std_token() const;

 private:
  friend class StopSource;
  std::shared_ptr<internal::StopState> state_;  // shared: tokens outlive the source
};

class StopSource {
 public:
  StopSource();
  StopToken token() const { return token_; }
  void request_stop();
  bool stop_requested() const { return token_.stop_requested(); }

 private:
  StopToken token_;
};

// Runs `callback` once at stop, from the stopping thread; at once if already stopped. Its destructor removes it and
// waits for a callback that runs in another thread. The callback must only notify or post.
class StopCallback {
 public:
  StopCallback(const StopToken& token, std::function<void()> callback)
      : token_(token), callback_(token.std_token(), std::move(callback)) {}

 private:
  StopToken token_;  // keeps the state alive
  std::stop_callback<std::function<void()>> callback_;
};

struct Wait {
  TimePoint until = TimePoint::max();
  StopToken stop;

  bool over() const;                                          // stop requested or deadline passed (real steady clock)
  static Wait for_duration(Duration d, StopToken stop = {});  // from now on the real steady clock
  Wait at_most(TimePoint earlier) const { return {earlier < until ? earlier : until, stop}; }
  int poll_millis() const;  // for poll(): time left rounded up, -1 = for ever, 0 = over
};

}  // namespace flume
