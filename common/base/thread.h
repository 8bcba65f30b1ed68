// Thread: a named thread that must be joined before it is destroyed. The names show in debuggers, and in threads() for
// the status pages. What threads exist is listed in docs/architecture.md.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace flume {

class Thread {
 public:
  Thread() = default;
  Thread(std::string name, std::function<void()> body);
  Thread(Thread&&) = default;
  Thread& operator=(Thread&&) = default;
  ~Thread();  // joining is the owner's business: a running thread here is a broken invariant
  bool joinable() const { return thread_.joinable(); }
  void join() { thread_.join(); }

  static std::vector<std::string> names();  // of all running threads made here, sorted

 private:
  std::thread thread_;
};

}  // namespace flume
