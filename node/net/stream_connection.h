// StreamConnection: one accepted socket, its handler and what waits to be sent. Lives on one IO thread; shared because
// Asio's pending operations, the thread's list and wakes from other threads refer to it. Internal to node/net.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "common/base/fd.h"
#include "node/net/io_thread.h"

namespace flume::node {

class StreamConnection final : public StreamPeer, public std::enable_shared_from_this<StreamConnection> {
 public:
  // `on_gone` is called once, on the IO thread, when the handler is destroyed.
  StreamConnection(IoThread& thread, UniqueFd socket, std::string address,
                   std::function<void(StreamConnection*)> on_gone);
  ~StreamConnection() override;

  void start(std::unique_ptr<StreamHandler> handler);
  void finish();  // by the listener: last words, then as kFinish
  void abort();   // by the listener: now
  void on_tick(TimePoint now);
  void post(std::function<void()> call) { asio::post(thread_.loop(), std::move(call)); }  // any thread

  void send(std::string bytes) override;
  void wake() override;
  const std::string& address() const override { return address_; }
  size_t unsent() const override { return out_.size() - out_sent_; }

 private:
  using Verdict = StreamHandler::Verdict;
  enum class State : uint8_t { kOpen, kParked, kFinishing, kGone };

  void wait_readable();
  void on_readable();
  bool read_once(bool& again);  // false: stop reading for now
  void feed(std::span<const char> bytes);
  void obey(Verdict verdict);
  void write_out();
  void wait_writable();
  void begin_finish();
  void end(std::string_view error);

  IoThread& thread_;
  asio::posix::stream_descriptor socket_;
  const std::string address_;
  std::function<void(StreamConnection*)> on_gone_;
  std::unique_ptr<StreamHandler> handler_;
  State state_ = State::kOpen;
  std::string rest_;  // bytes that the handler has not used yet
  std::string out_;
  size_t out_sent_ = 0;
  bool waiting_read_ = false;
  bool waiting_write_ = false;
  bool shut_down_ = false;
  TimePoint finish_until_{};
  std::atomic<bool> wake_pending_{false};
};

}  // namespace flume::node
