#include "common/http/http_server.h"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <list>

#include "common/base/check.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/base/sync.h"
#include "common/base/text.h"
#include "common/base/thread.h"
#include "common/http/exchange.h"
#include "common/http/listener.h"

namespace flume::http {
namespace {

constexpr Duration kFirstByte = std::chrono::seconds(5);  // a new connection that sends nothing

}  // namespace

class HttpServer::Impl final : public Host {
 public:
  explicit Impl(ServerOptions options) : options_(std::move(options)) {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) == 0) {
      options_.allowed_names.emplace_back(name.data());
    }
  }

  const ServerOptions& options() const override { return options_; }
  const Router& router() const override { return router_; }
  StopToken stop_token() const override { return stop_.token(); }
  Response run_waiting(const Route& route, Request& request, int fd) override FLUME_EXCLUDES(mutex_);

  Status start();
  void stop() FLUME_EXCLUDES(mutex_);

  Router& routes() { return router_; }
  uint16_t port() const { return port_; }

 private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    TimePoint until;
  };
  struct Waiting {  // a client whose long poll is being held
    int fd;
    StopSource gone;
  };

  void accept_loop();
  std::vector<pollfd> to_poll() FLUME_EXCLUDES(mutex_);
  int next_timeout() FLUME_EXCLUDES(mutex_);
  void accept_one() FLUME_EXCLUDES(mutex_);
  void hand_on_idle(std::span<const pollfd> polled) FLUME_EXCLUDES(mutex_);
  void end_abandoned(std::span<const pollfd> polled) FLUME_EXCLUDES(mutex_);
  void enqueue(std::unique_ptr<Connection> connection) FLUME_REQUIRES(mutex_);
  void work() FLUME_EXCLUDES(mutex_);
  void wake();

  ServerOptions options_;
  Router router_;
  StopSource stop_;
  UniqueFd listener_;
  UniqueFd wake_;  // eventfd: the set of polled connections has changed
  uint16_t port_ = 0;
  Thread acceptor_;

  Mutex mutex_;
  CondVar work_ready_;
  std::list<Idle> idle_ FLUME_GUARDED_BY(mutex_);
  std::list<Waiting> waiting_ FLUME_GUARDED_BY(mutex_);
  std::deque<std::unique_ptr<Connection>> queue_ FLUME_GUARDED_BY(mutex_);  // at most max_connections
  std::vector<Thread> workers_ FLUME_GUARDED_BY(mutex_);
  size_t free_workers_ FLUME_GUARDED_BY(mutex_) = 0;
  size_t connections_ FLUME_GUARDED_BY(mutex_) = 0;
};

Status HttpServer::Impl::start() {
  FLUME_CHECK(!listener_.is_open(), "started twice");
  FLUME_ASSIGN_OR_RETURN(Listener bound, listen_on(options_.host, options_.port, options_.port_tries));
  wake_.reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_.is_open()) {
    return Status::from_errno(errno, "make an eventfd for the HTTP server");
  }
  listener_ = std::move(bound.fd);
  port_ = bound.port;
  prepare_library();
  acceptor_ = Thread("http-accept", [this] { accept_loop(); });
  return {};
}

void HttpServer::Impl::stop() {
  stop_.request_stop();
  if (acceptor_.joinable()) {
    acceptor_.join();
  }
  std::vector<Thread> workers;
  {
    const MutexLock lock(mutex_);
    for (Waiting& waiting : waiting_) {
      waiting.gone.request_stop();
    }
    workers.swap(workers_);
    work_ready_.notify_all();
  }
  for (Thread& worker : workers) {
    worker.join();
  }
  const MutexLock lock(mutex_);
  idle_.clear();
  queue_.clear();
  listener_.reset();
}

void HttpServer::Impl::wake() {
  const uint64_t one = 1;
  const ssize_t written = ::write(wake_.fd(), &one, sizeof one);
  static_cast<void>(written);  // full = a wake is pending
}

std::vector<pollfd> HttpServer::Impl::to_poll() {
  const MutexLock lock(mutex_);
  const bool room = connections_ < static_cast<size_t>(options_.max_connections);
  std::vector<pollfd> fds{
      {stop_.token().fd(), POLLIN, 0}, {wake_.fd(), POLLIN, 0}, {room ? listener_.fd() : -1, POLLIN, 0}};
  for (const Idle& idle : idle_) {
    fds.push_back({idle.connection->fd(), POLLIN, 0});
  }
  for (const Waiting& waiting : waiting_) {
    fds.push_back({waiting.fd, POLLRDHUP, 0});
  }
  return fds;
}

int HttpServer::Impl::next_timeout() {
  const MutexLock lock(mutex_);
  Wait wait;
  for (const Idle& idle : idle_) {
    wait = wait.at_most(idle.until);
  }
  return wait.poll_millis();
}

void HttpServer::Impl::accept_loop() {
  while (!stop_.stop_requested()) {
    std::vector<pollfd> fds = to_poll();
    if (::poll(fds.data(), fds.size(), next_timeout()) < 0 && errno != EINTR) {
      FLUME_LOG_EVERY(1000, kError, "http poll failed", kv("errno", errno));
    }
    if (fds[1].revents != 0) {
      uint64_t count = 0;
      const ssize_t got = ::read(wake_.fd(), &count, sizeof count);
      static_cast<void>(got);
    }
    const std::span<const pollfd> clients = std::span<const pollfd>(fds).subspan(3);
    end_abandoned(clients);
    hand_on_idle(clients);
    if (fds[2].revents != 0) {
      accept_one();
    }
  }
}

void HttpServer::Impl::accept_one() {
  std::string peer;
  UniqueFd fd = accept_from(listener_, peer);
  if (!fd.is_open()) {
    // Out of descriptors: the connection stays in the kernel's queue; do not spin on it.
    const Wait pause = Wait::for_duration(std::chrono::milliseconds(20), stop_.token());
    pollfd stop{stop_.token().fd(), POLLIN, 0};
    ::poll(&stop, 1, pause.poll_millis());
    return;
  }
  auto connection = std::make_unique<Connection>(std::move(fd), std::move(peer), stop_.token());
  const MutexLock lock(mutex_);
  ++connections_;
  idle_.push_back({std::move(connection), Wait::for_duration(kFirstByte).until});
}

// Connections on which something arrives go to the workers; those whose time is over are closed.
void HttpServer::Impl::hand_on_idle(std::span<const pollfd> polled) {
  const MutexLock lock(mutex_);
  for (auto idle = idle_.begin(); idle != idle_.end();) {
    const int fd = idle->connection->fd();
    const bool ready = std::any_of(polled.begin(), polled.end(), [fd](const pollfd& p) {
      return p.fd == fd && (p.revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    });
    if (ready) {
      enqueue(std::move(idle->connection));
      idle = idle_.erase(idle);
    } else if (Wait{idle->until, {}}.over()) {
      idle = idle_.erase(idle);
      --connections_;
    } else {
      ++idle;
    }
  }
}

void HttpServer::Impl::end_abandoned(std::span<const pollfd> polled) {
  const MutexLock lock(mutex_);
  for (Waiting& waiting : waiting_) {
    const bool gone = std::any_of(polled.begin(), polled.end(), [&](const pollfd& p) {
      return p.fd == waiting.fd && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
    });
    if (gone) {
      waiting.gone.request_stop();
      waiting.fd = -1;  // told once: poll() would report it for ever
    }
  }
}

void HttpServer::Impl::enqueue(std::unique_ptr<Connection> connection) {
  queue_.push_back(std::move(connection));
  if (queue_.size() > free_workers_ && workers_.size() < static_cast<size_t>(options_.max_workers)) {
    workers_.emplace_back(str_cat("http-", workers_.size()), [this] { work(); });
  }
  work_ready_.notify_one();
}

void HttpServer::Impl::work() {
  Exchange exchange(*this);
  const Wait until_stop{TimePoint::max(), stop_.token()};
  mutex_.lock();
  while (true) {
    ++free_workers_;
    while (queue_.empty() && !stop_.stop_requested()) {
      work_ready_.wait(mutex_, until_stop);
    }
    --free_workers_;
    if (stop_.stop_requested()) {
      break;
    }
    std::unique_ptr<Connection> connection = std::move(queue_.front());
    queue_.pop_front();
    mutex_.unlock();
    const bool keep = exchange.serve(*connection);
    if (!keep) {
      connection.reset();
    }
    mutex_.lock();
    if (keep) {
      idle_.push_back({std::move(connection), Wait::for_duration(options_.keep_alive).until});
    } else {
      --connections_;
    }
    wake();
  }
  mutex_.unlock();
}

Response HttpServer::Impl::run_waiting(const Route& route, Request& request, int fd) {
  std::list<Waiting>::iterator self;
  {
    const MutexLock lock(mutex_);
    if (waiting_.size() >= static_cast<size_t>(options_.max_waiting)) {
      Response response = json_response(R"({"error":{"code":"busy","message":"too many waiting polls",)"
                                        R"("retry_ms":2000}})",
                                        503);
      response.headers.emplace_back("Retry-After", "2");
      return response;
    }
    self = waiting_.insert(waiting_.end(), {fd, StopSource()});
    request.stop = self->gone.token();
    if (stop_.stop_requested()) {
      self->gone.request_stop();
    }
  }
  wake();
  // Removed also when the handler throws.
  struct Leave {
    Impl& impl;
    std::list<Waiting>::iterator place;
    ~Leave() {
      const MutexLock lock(impl.mutex_);
      impl.waiting_.erase(place);
    }
  };
  const Leave leave{*this, self};
  return route.handler(request);
}

HttpServer::HttpServer(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

HttpServer::~HttpServer() { impl_->stop(); }

void HttpServer::route(std::string method, std::string_view pattern, Handler handler) {
  impl_->routes().add(std::move(method), pattern, std::move(handler));
}

void HttpServer::route_waiting(std::string method, std::string_view pattern, Handler handler) {
  impl_->routes().add(std::move(method), pattern, std::move(handler), /*waits=*/true);
}

void HttpServer::serve(std::span<const Asset> assets) { impl_->routes().add(assets); }

Status HttpServer::start() { return impl_->start(); }

uint16_t HttpServer::port() const { return impl_->port(); }

std::string HttpServer::url() const {
  const std::string& host = impl_->options().host;
  const bool any = host.empty() || host == "0.0.0.0" || host == "::";
  const bool v6 = host.find(':') != std::string::npos;
  return str_cat("http://", any ? "127.0.0.1" : v6 ? "[" + host + "]" : host, ":", port());
}

void HttpServer::stop() { impl_->stop(); }

}  // namespace flume::http
