// IoThread: one Asio loop with its thread; connections stay on one for life, so handlers need no locks. Internal to
// node/net (the only header here that shows Asio).
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/base/thread.h"
#include "node/net/net_server.h"

namespace flume::node {

namespace asio = boost::asio;

class StreamConnection;

class IoThread {
 public:
  IoThread(std::string name, Duration tick);
  ~IoThread();   // stops the loop and joins
  void start();  // once
  asio::io_context& loop() { return loop_; }

  // The members below belong to the thread itself.
  std::vector<char>& scratch() { return scratch_; }
  void add(const std::shared_ptr<StreamConnection>& connection);
  void remove(const std::shared_ptr<StreamConnection>& connection);

  std::atomic<size_t> load{0};  // connections given to it, for choosing the least loaded

 private:
  void arm_tick();

  const std::string name_;
  const Duration tick_time_;  // between two looks at the clock for all connections
  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{loop_.get_executor()};
  asio::steady_timer tick_{loop_};
  bool tick_armed_ = false;
  std::vector<char> scratch_;
  std::set<std::shared_ptr<StreamConnection>> connections_;
  Thread thread_;
};

struct NetServer::Impl {
  explicit Impl(const NetOptions& net_options);
  ~Impl();
  IoThread& first();         // acceptors and datagrams
  IoThread& least_loaded();  // for a new connection; starts a thread when all have work

  Duration tick_time() const;

  const NetOptions options;
  std::mutex mutex;
  std::vector<std::unique_ptr<IoThread>> threads;  // guarded by mutex; never shrinks before the end
  std::atomic<int> connections{0};
  std::set<Listener*> listeners;  // guarded by mutex
};

}  // namespace flume::node
