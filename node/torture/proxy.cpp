#include "node/torture/proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "common/base/text.h"

namespace flume::torture {
namespace {

constexpr size_t kPieceBytes = 64U << 10;
constexpr size_t kHeldBytes = 1U << 20;  // of one direction; more is not read
constexpr auto kThrottleStep = std::chrono::milliseconds(100);

sockaddr_in local_address(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void set_reset_at_close(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void flip(char& byte, uint8_t bit) { byte = static_cast<char>(byte ^ (1 << (bit & 7))); }

}  // namespace

std::string_view name_of(NetFault fault) {
  constexpr std::array<std::string_view, 9> kNames = {"none",    "delay",          "blackhole",  "stall",   "reset",
                                                      "corrupt", "corrupt answer", "half-close", "throttle"};
  return kNames[static_cast<size_t>(fault)];
}

Result<std::unique_ptr<FaultProxy>> FaultProxy::start(uint16_t target_port) {
  std::unique_ptr<FaultProxy> proxy(new FaultProxy());
  proxy->target_port_ = target_port;
  proxy->listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  proxy->wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  sockaddr_in address = local_address(0);
  socklen_t size = sizeof address;
  if (!proxy->listener_.is_open() || !proxy->wake_.is_open() ||
      ::bind(proxy->listener_.fd(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(proxy->listener_.fd(), SOMAXCONN) != 0 ||
      ::getsockname(proxy->listener_.fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return Status::from_errno(errno, "listen for the proxy");
  }
  proxy->port_ = ntohs(address.sin_port);
  FaultProxy* self = proxy.get();
  proxy->thread_ = Thread("torture-proxy", [self] { self->serve(); });
  return proxy;
}

FaultProxy::~FaultProxy() {
  if (!thread_.joinable()) {
    return;
  }
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  (void)::eventfd_write(wake_.fd(), 1);
  thread_.join();
}

void FaultProxy::order(const FaultOrder& order) {
  {
    const MutexLock lock(mutex_);
    orders_.push_back(order);
  }
  (void)::eventfd_write(wake_.fd(), 1);
}

void FaultProxy::heal() {
  FaultOrder none;
  none.new_ones = true;
  order(none);
}

ProxyCounts FaultProxy::counts() const {
  const MutexLock lock(mutex_);
  return counts_;
}

void FaultProxy::count(uint64_t ProxyCounts::*which, uint64_t by) {
  const MutexLock lock(mutex_);
  counts_.*which += by;
}

void FaultProxy::take_orders() {
  std::deque<FaultOrder> orders;
  {
    const MutexLock lock(mutex_);
    orders.swap(orders_);
  }
  for (const FaultOrder& order : orders) {
    if (order.open_ones) {
      for (Connection& connection : connections_) {
        apply(connection, order);
      }
    }
    if (order.new_ones) {
      for_new_ = order;
    }
  }
}

void FaultProxy::apply(Connection& connection, const FaultOrder& order) {
  connection.fault = order;
  connection.until_fault = order.bytes;
  if (order.fault == NetFault::kBlackhole) {
    connection.dead = true;
  }
}

void FaultProxy::accept_one() {
  UniqueFd agent(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!agent.is_open()) {
    return;
  }
  UniqueFd collector(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = local_address(target_port_);
  // A connection to this machine is made or refused at once.
  if (!collector.is_open() || ::connect(collector.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    set_reset_at_close(agent.fd());
    return;
  }
  ::fcntl(collector.fd(), F_SETFL, O_NONBLOCK);
  const int on = 1;
  for (const int fd : {agent.fd(), collector.fd()}) {
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  Connection& connection = connections_.emplace_back();
  connection.agent = std::move(agent);
  connection.collector = std::move(collector);
  apply(connection, for_new_);
  count(&ProxyCounts::connections, 1);
}

void FaultProxy::reset(Connection& connection) {
  set_reset_at_close(connection.agent.fd());
  set_reset_at_close(connection.collector.fd());
  connection.over = true;
}

// What a fault that waits for its byte does to bytes on their way up. False: the connection is over.
bool FaultProxy::pass_up(Connection& connection, std::string& bytes) {
  const NetFault fault = connection.fault.fault;
  const bool waits = fault == NetFault::kReset || fault == NetFault::kCorrupt || fault == NetFault::kHalfClose;
  if (!waits) {
    return true;
  }
  if (connection.until_fault >= bytes.size()) {
    connection.until_fault -= bytes.size();
    return true;
  }
  connection.fault.fault = NetFault::kNone;
  switch (fault) {
    case NetFault::kCorrupt:
      flip(bytes[connection.until_fault], connection.fault.bit);
      count(&ProxyCounts::corrupted, 1);
      return true;
    case NetFault::kHalfClose:
      bytes.resize(connection.until_fault);
      connection.up.read_end = true;
      count(&ProxyCounts::half_closed, 1);
      return true;
    default:
      // What precedes the reset goes out first, in order: the receiver is left with part of a frame.
      transmit(connection, connection.up, connection.collector.fd());
      if (connection.up.pieces.empty() && !connection.over) {
        (void)::send(connection.collector.fd(), bytes.data(), connection.until_fault, MSG_NOSIGNAL);
      }
      count(&ProxyCounts::resets, 1);
      reset(connection);
      return false;
  }
}

void FaultProxy::pass_down(Connection& connection, std::string& bytes) {
  if (connection.fault.fault != NetFault::kCorruptAnswer) {
    return;
  }
  if (connection.until_fault >= bytes.size()) {
    connection.until_fault -= bytes.size();
    return;
  }
  connection.fault.fault = NetFault::kNone;
  flip(bytes[connection.until_fault], connection.fault.bit);
  count(&ProxyCounts::corrupted_answers, 1);
}

void FaultProxy::receive(Connection& connection, Direction& direction, int from, bool up) {
  std::string bytes(kPieceBytes, '\0');
  const ssize_t got = ::recv(from, bytes.data(), bytes.size(), 0);
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) {
      reset(connection);
    }
    return;
  }
  if (got == 0) {
    direction.read_end = true;
    return;
  }
  bytes.resize(static_cast<size_t>(got));
  if (up && !pass_up(connection, bytes)) {
    return;
  }
  if (!up) {
    pass_down(connection, bytes);
  }
  const Duration delay = connection.fault.fault == NetFault::kDelay ? connection.fault.delay : Duration{};
  direction.held += bytes.size();
  direction.pieces.push_back({std::move(bytes), 0, SystemClock().now() + delay});
}

void FaultProxy::transmit(Connection& connection, Direction& direction, int to) {
  const TimePoint now = SystemClock().now();
  const bool throttled = connection.fault.fault == NetFault::kThrottle;
  while (!direction.pieces.empty() && direction.pieces.front().due <= now) {
    if (throttled && now < direction.room_at) {
      return;
    }
    Piece& piece = direction.pieces.front();
    size_t size = piece.bytes.size() - piece.sent;
    if (throttled) {
      size = std::min<size_t>(size, std::max<uint64_t>(1, connection.fault.bytes / 10));
      direction.room_at = now + kThrottleStep;
    }
    const ssize_t sent = ::send(to, piece.bytes.data() + piece.sent, size, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN && errno != EINTR) {
        reset(connection);
      }
      return;
    }
    count(&ProxyCounts::bytes, static_cast<uint64_t>(sent));
    piece.sent += static_cast<size_t>(sent);
    direction.held -= static_cast<size_t>(sent);
    if (piece.sent == piece.bytes.size()) {
      direction.pieces.pop_front();
    }
  }
  if (direction.pieces.empty() && direction.read_end && !direction.write_end) {
    direction.write_end = true;
    ::shutdown(to, SHUT_WR);
  }
}

void FaultProxy::pump(Connection& connection, int agent_events, int collector_events) {
  const bool silent = connection.dead || connection.fault.fault == NetFault::kStall;
  if (silent) {
    // The end of a silent connection is not told either; it is only known here when both are gone.
    connection.over = (agent_events & (POLLHUP | POLLERR)) != 0 && (collector_events & (POLLHUP | POLLERR)) != 0;
    return;
  }
  if ((agent_events & POLLIN) != 0 && !connection.up.read_end) {
    receive(connection, connection.up, connection.agent.fd(), true);
  }
  if (!connection.over && (collector_events & POLLIN) != 0 && !connection.down.read_end) {
    receive(connection, connection.down, connection.collector.fd(), false);
  }
  if (!connection.over) {
    transmit(connection, connection.up, connection.collector.fd());
  }
  if (!connection.over) {
    transmit(connection, connection.down, connection.agent.fd());
  }
  if (connection.up.write_end && connection.down.write_end) {
    connection.over = true;
  }
  if (((agent_events | collector_events) & POLLERR) != 0) {
    reset(connection);
  }
}

TimePoint FaultProxy::next_due(TimePoint now) const {
  TimePoint due = TimePoint::max();
  for (const Connection& connection : connections_) {
    if (connection.dead || connection.fault.fault == NetFault::kStall) {
      continue;
    }
    for (const Direction* direction : {&connection.up, &connection.down}) {
      if (direction->pieces.empty()) {
        continue;
      }
      const TimePoint one = std::max(direction->pieces.front().due, direction->room_at);
      if (one > now) {  // else poll() waits for room in the socket
        due = std::min(due, one);
      }
    }
  }
  return due;
}

void FaultProxy::serve() {
  SystemClock clock;
  while (true) {
    {
      const MutexLock lock(mutex_);
      if (ending_) {
        return;
      }
    }
    std::vector<pollfd> waiting = {{listener_.fd(), POLLIN, 0}, {wake_.fd(), POLLIN, 0}};
    const TimePoint now = clock.now();
    for (const Connection& connection : connections_) {
      const bool silent = connection.dead || connection.fault.fault == NetFault::kStall;
      const auto events = [&](const Direction& in, const Direction& out) {
        const bool can_read = !silent && !in.read_end && in.held < kHeldBytes;
        const bool can_write = !silent && !out.pieces.empty() && out.pieces.front().due <= now && out.room_at <= now;
        return static_cast<short>((can_read ? POLLIN : 0) | (can_write ? POLLOUT : 0));
      };
      // A descriptor of nothing to do is left out: poll() would report its hang-up without end.
      const short up = events(connection.up, connection.down);
      const short down = events(connection.down, connection.up);
      waiting.push_back({up != 0 ? connection.agent.fd() : -1, up, 0});
      waiting.push_back({down != 0 ? connection.collector.fd() : -1, down, 0});
    }
    const TimePoint due = next_due(now);
    (void)::poll(waiting.data(), waiting.size(), due == TimePoint::max() ? -1 : Wait{due, {}}.poll_millis());
    eventfd_t ignored = 0;
    (void)::eventfd_read(wake_.fd(), &ignored);
    take_orders();  // before the bytes that came after them
    size_t at = 2;
    for (Connection& connection : connections_) {
      pump(connection, waiting[at].revents, waiting[at + 1].revents);
      at += 2;
    }
    connections_.remove_if([](const Connection& connection) { return connection.over; });
    if ((waiting[0].revents & POLLIN) != 0) {
      accept_one();
    }
  }
}

}  // namespace flume::torture
