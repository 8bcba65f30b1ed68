// Connection: one accepted socket with its read buffer, deadlines and byte counts, in the shape in which the HTTP
// library reads and writes. It is what enforces the limits that the library does not have. Used by one thread at a
// time: the server's while idle, a worker's during a request.
#pragma once

#include <httplib.h>

#include <array>
#include <string>

#include "common/base/fd.h"
#include "common/base/stop.h"

namespace flume::http {

class Connection final : public httplib::Stream {
 public:
  Connection(UniqueFd fd, std::string peer, StopToken stop);

  // A new request: at most `head_limit` bytes until begin_body(), at most `body_limit` after it, all before `deadline`.
  void begin_request(size_t head_limit, TimePoint deadline);
  void begin_body(size_t body_limit);
  bool head_too_large() const { return head_too_large_; }
  bool has_buffered() const { return begin_ < end_; }  // bytes of a next request are here already
  int fd() const { return fd_.fd(); }
  const std::string& peer() const { return peer_; }

  void close_after_answer() { close_after_answer_ = true; }
  bool must_close() const { return close_after_answer_ || broken_; }
  // Lets an answer out before the close when the client still sends: otherwise the reset would overtake it.
  void drain();

  bool is_readable() const override { return !broken_; }
  bool is_writable() const override { return !broken_; }
  ssize_t read(char* to, size_t size) override;
  ssize_t write(const char* from, size_t size) override;  // all or an error
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return fd_.fd(); }

  using httplib::Stream::write;

 private:
  bool wait_for(short events, TimePoint until) const;  // false: deadline or stop
  ssize_t fill();

  UniqueFd fd_;
  const std::string peer_;
  const StopToken stop_;
  std::array<char, 8192> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t allowed_ = 0;  // bytes that may still be read in this part of the request
  bool in_body_ = false;
  bool head_too_large_ = false;
  bool broken_ = false;
  bool close_after_answer_ = false;
  TimePoint deadline_{};
};

}  // namespace flume::http
