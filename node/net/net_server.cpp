#include "node/net/net_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <cstring>

#include "common/base/log.h"
#include "common/config/settings.h"
#include "node/net/stream_connection.h"

namespace flume::node {

namespace {

constexpr Duration kShortestTick = 10ms;
constexpr Duration kLongestTick = 1s;

}  // namespace

NetOptions NetOptions::from(const Settings& settings) {
  NetOptions options;
  options.threads = static_cast<int>(settings.integer("flume.net.threads"));
  options.bind_address = settings.text("flume.net.bind.address");
  options.receive_budget = settings.integer("flume.link.receive.budget.bytes");
  options.max_connections = static_cast<int>(settings.integer("flume.link.connections.max"));
  options.link_window = settings.integer("flume.link.window.bytes");
  options.max_frame = settings.integer("flume.link.frame.max.bytes");
  options.heartbeat = settings.millis("flume.link.heartbeat.millis");
  options.dead_peer = settings.millis("flume.link.silence.millis");
  return options;
}

// ---- IoThread

IoThread::IoThread(std::string name, Duration tick) : name_(std::move(name)), tick_time_(tick) {}

IoThread::~IoThread() {
  work_.reset();
  loop_.stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void IoThread::start() {
  thread_ = Thread(name_, [this] { loop_.run(); });
}

void IoThread::add(const std::shared_ptr<StreamConnection>& connection) {
  connections_.insert(connection);
  arm_tick();
}

void IoThread::remove(const std::shared_ptr<StreamConnection>& connection) {
  if (connections_.erase(connection) != 0) {
    load.fetch_sub(1, std::memory_order_relaxed);
  }
}

// Ticks only while there are connections: an idle node's loop sleeps.
void IoThread::arm_tick() {
  if (tick_armed_ || connections_.empty()) {
    return;
  }
  tick_armed_ = true;
  tick_.expires_after(tick_time_);
  tick_.async_wait([this](const boost::system::error_code& error) {
    tick_armed_ = false;
    if (error) {
      return;
    }
    const TimePoint now = std::chrono::steady_clock::now();
    const std::vector<std::shared_ptr<StreamConnection>> all(connections_.begin(), connections_.end());
    for (const auto& connection : all) {  // a tick may end a connection
      connection->on_tick(now);
    }
    arm_tick();
  });
}

// ---- NetServer::Impl

NetServer::Impl::Impl(const NetOptions& net_options) : options(net_options) {}

NetServer::Impl::~Impl() { FLUME_CHECK(listeners.empty(), "listeners outlive the network server"); }

// Handlers know the time of the last tick only, so ticks are close together beside what they wait for: with both a
// second long, a peer that speaks all the time was now and then taken for dead.
Duration NetServer::Impl::tick_time() const {
  return std::clamp(std::min(options.heartbeat / 2, options.dead_peer / 8), kShortestTick, kLongestTick);
}

IoThread& NetServer::Impl::first() {
  const std::lock_guard<std::mutex> lock(mutex);
  if (threads.empty()) {
    threads.push_back(std::make_unique<IoThread>("io-0", tick_time()));
    threads.back()->start();
  }
  return *threads.front();
}

IoThread& NetServer::Impl::least_loaded() {
  const std::lock_guard<std::mutex> lock(mutex);
  IoThread* best = threads.front().get();
  for (const auto& thread : threads) {
    if (thread->load.load(std::memory_order_relaxed) < best->load.load(std::memory_order_relaxed)) {
      best = thread.get();
    }
  }
  if (best->load.load(std::memory_order_relaxed) > 0 && threads.size() < static_cast<size_t>(options.threads)) {
    threads.push_back(std::make_unique<IoThread>(str_cat("io-", threads.size()), tick_time()));
    threads.back()->start();
    best = threads.back().get();
  }
  best->load.fetch_add(1, std::memory_order_relaxed);
  return *best;
}

// ---- NetServer

NetServer::NetServer(NetOptions options)
    : options_(std::move(options)),
      impl_(std::make_shared<Impl>(options_)),
      pool_(ReceivePool::create(options_.receive_budget, [weak = std::weak_ptr<Impl>(impl_)] {
        if (const auto impl = weak.lock()) {
          const std::lock_guard<std::mutex> lock(impl->mutex);
          for (Listener* listener : impl->listeners) {
            listener->wake_all();
          }
        }
      })) {}

NetServer::NetServer(const Settings& settings) : NetServer(NetOptions::from(settings)) {}

NetServer::~NetServer() { pool_->forget_on_room(); }

namespace {

struct Answer {
  Mutex mutex;
  CondVar changed;
  bool done FLUME_GUARDED_BY(mutex) = false;
  std::string error FLUME_GUARDED_BY(mutex);
  std::vector<std::vector<char>> addresses FLUME_GUARDED_BY(mutex);
};

class AsioResolution final : public NetServer::Resolution {
 public:
  AsioResolution(asio::io_context& loop, std::string host, uint16_t port)
      : what_(str_cat("resolve \"", host, "\"")), answer_(std::make_shared<Answer>()) {
    // The resolver lives in its own callback: it may outlast this object.
    const auto resolver = std::make_shared<asio::ip::tcp::resolver>(loop);
    asio::post(loop, [resolver, answer = answer_, host = std::move(host), port] {
      resolver->async_resolve(host, std::to_string(port), asio::ip::resolver_base::numeric_service,
                              [resolver, answer](const boost::system::error_code& error,
                                                 const asio::ip::tcp::resolver::results_type& found) {
                                MutexLock lock(answer->mutex);
                                answer->done = true;
                                answer->error = error ? error.message() : "";
                                for (const auto& entry : found) {
                                  const auto endpoint = entry.endpoint();
                                  const auto* bytes = reinterpret_cast<const char*>(endpoint.data());
                                  answer->addresses.emplace_back(bytes, bytes + endpoint.size());
                                }
                                answer->changed.notify_all();
                              });
    });
  }

  Result<std::vector<std::vector<char>>> get(const Wait& wait) override {
    MutexLock lock(answer_->mutex);
    while (!answer_->done && answer_->changed.wait(answer_->mutex, wait)) {
    }
    if (!answer_->done) {
      return Status(Code::kTimeout, str_cat(what_, ": no answer yet"));
    }
    if (!answer_->error.empty() || answer_->addresses.empty()) {
      return unavailable(str_cat(what_, ": ", answer_->error.empty() ? "no address" : answer_->error));
    }
    return answer_->addresses;
  }

 private:
  const std::string what_;
  const std::shared_ptr<Answer> answer_;  // shared with the pending callback
};

}  // namespace

std::unique_ptr<NetServer::Resolution> NetServer::resolve(const std::string& host, uint16_t port) {
  return std::make_unique<AsioResolution>(impl_->first().loop(), host, port);
}

// ---- BadPeers

bool BadPeers::report(std::string_view peer, std::string_view what, std::string_view detail) {
  constexpr size_t kMostPeers = 1024;
  count_.fetch_add(1, std::memory_order_relaxed);
  const size_t colon = peer.rfind(':');
  const std::string key = str_cat(peer.substr(0, colon), " ", what);
  const TimePoint now = clock_.now();
  uint64_t held_back = 0;
  {
    MutexLock lock(mutex_);
    if (seen_.size() >= kMostPeers) {
      std::erase_if(seen_, [now](const auto& entry) { return now - entry.second.logged >= 1min; });
    }
    const auto found = seen_.find(key);
    if (found != seen_.end() && now - found->second.logged < 1min) {
      ++found->second.held_back;
      return false;
    }
    if (found != seen_.end()) {
      held_back = found->second.held_back;
      found->second = Seen{now, 0};
    } else if (seen_.size() < kMostPeers) {
      seen_.emplace(key, Seen{now, 0});
    } else {
      return false;  // too many peers at once: counted only
    }
  }
  FLUME_LOG(kWarn, "connection refused", kv("peer", peer), kv("what", what), kv("detail", detail),
            kv("held_back", held_back));
  return true;
}

}  // namespace flume::node
