// StreamHandler: one protocol on one connection, fed with bytes. It knows no socket and no Asio, so that it is tested
// by feeding it bytes. Owned by its connection; all calls come from the connection's IO thread, none may block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/clock.h"

namespace flume::node {

// What a handler may do with its connection. Only wake() may be called from any thread.
class StreamPeer {
 public:
  virtual ~StreamPeer() = default;
  virtual void send(std::string bytes) = 0;        // queued; bounded by the handler's own rules
  virtual void wake() = 0;                         // on_wake() soon; many wakes may become one
  virtual const std::string& address() const = 0;  // "10.0.0.7:51324"
  virtual size_t unsent() const = 0;               // queued bytes that the socket did not take yet
};

class StreamHandler {
 public:
  enum class Verdict : uint8_t {
    kMore,    // feed me
    kPark,    // do not read the socket until wake()
    kFinish,  // send what is queued, end our side, drop what still comes for a moment, close
  };
  virtual ~StreamHandler() = default;

  // Where the next bytes shall go, when the handler knows how many it wants; empty: they come through on_bytes().
  virtual std::span<char> direct() { return {}; }
  virtual Verdict on_direct(size_t bytes) {
    (void)bytes;
    return Verdict::kMore;
  }
  // `used`: how many of the bytes are dealt with; the rest is shown again, at once after kMore with used > 0, else with
  // what arrives next or after a wake. The rest of a kMore must be short: a handler that needs much keeps it itself.
  virtual Verdict on_bytes(std::span<const char> bytes, size_t& used) = 0;
  virtual Verdict on_wake() { return Verdict::kMore; }
  virtual Verdict on_tick(TimePoint now) {  // about once a second
    (void)now;
    return Verdict::kMore;
  }
  // The port is being closed by us: last words may be sent.
  virtual void on_finish() {}
  // The peer ended its side (`error` empty) or the connection broke; nothing but destruction follows.
  virtual void on_end(std::string_view error) { (void)error; }
};
}  // namespace flume::node
