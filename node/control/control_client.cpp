#include "node/control/control_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "common/base/log.h"
#include "common/base/sync.h"
#include "common/base/text.h"
#include "common/base/thread.h"
#include "common/base/version.h"
#include "common/rpc/framed_socket.h"
#include "node/control/orders.h"
#include "node/control/report.h"
#include "node/runtime/retry.h"

namespace flume::node {
namespace {

// One change of state is mostly followed by another; so long is waited for it.
constexpr Duration kTogether = std::chrono::milliseconds(20);
// A master answers every report, the earlier one at once when the next arrives.
constexpr size_t kMostUnanswered = 100;

// This end of the connection: the address under which the masters' other nodes can reach this machine, most likely.
std::vector<std::string> own_addresses(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return {};
  }
  const void* const bytes = address.ss_family == AF_INET
                                ? static_cast<const void*>(&reinterpret_cast<sockaddr_in&>(address).sin_addr)
                                : static_cast<const void*>(&reinterpret_cast<sockaddr_in6&>(address).sin6_addr);
  if (::inet_ntop(address.ss_family, bytes, text.data(), text.size()) == nullptr) {
    return {};
  }
  return {text.data()};
}

std::string as_bytes(const Id128& id) { return {id.begin(), id.end()}; }

}  // namespace

Result<std::vector<MasterAddress>> master_addresses(const Settings& settings) {
  const auto default_port = static_cast<uint16_t>(settings.integer("flume.master.heartbeat.port"));
  const bool has_own = !trim(settings.text("flume.master.heartbeat.servers")).empty();
  const std::string name = has_own ? "flume.master.heartbeat.servers" : "flume.master.servers";
  std::vector<MasterAddress> masters;
  for (const std::string_view entry : split(settings.text(name), ',')) {
    const std::string_view text = trim(entry);
    if (text.empty()) {
      continue;
    }
    auto master = parse_host_port(text, default_port);
    if (!master) {
      return invalid(str_cat(name, ": ", quoted(text), ": expected host or host:port ([address]:port for IPv6)"));
    }
    masters.push_back(std::move(*master));
  }
  return masters;
}

Result<ControlOptions> ControlOptions::from(const Settings& settings) {
  ControlOptions options;
  FLUME_ASSIGN_OR_RETURN(options.masters, master_addresses(settings));
  options.report_period = settings.millis("flume.config.heartbeat.period");
  options.first_pause = settings.millis("flume.agent.heartbeat.backoff");
  options.longest_pause = std::max(options.first_pause, settings.millis("flume.node.heartbeat.backoff.ceiling"));
  options.timeout = settings.millis("flume.thrift.socket.timeout.ms");
  return options;
}

class ControlClient::Impl {
 public:
  Impl(ControlOptions options, const Identity& identity, Clock& clock, NodeSet& nodes)
      : options_(std::move(options)),
        identity_(identity),
        clock_(clock),
        nodes_(nodes),
        boot_millis_(clock.wall_millis()),
        orders_(nodes, options_.saved_path, [this] { wake(); }),
        backoff_({options_.first_pause, options_.longest_pause, 0.2}) {}

  void start(uint16_t http_port) {
    http_port_ = http_port;
    orders_.start();
    nodes_.on_change([this] { wake(); });
    if (!options_.masters.empty()) {
      thread_ = Thread("control", [this] { run(); });
    }
  }
  void stop() {
    stop_.request_stop();
    wake();
    if (thread_.joinable()) {
      thread_.join();
    }
    orders_.stop();
    nodes_.on_change({});
  }
  ControlStatus status() const {
    const MutexLock lock(mutex_);
    return status_;
  }

 private:
  void run();
  // Until the connection ends: why.
  Status talk(const MasterAddress& master);
  Status report(bool full);
  void wake();
  StopToken fresh_interrupt();
  void pause(Duration time);
  void publish(const std::function<void(ControlStatus&)>& change);
  Wait within(Duration time) { return Wait::for_duration(time, stop_.token()); }

  const ControlOptions options_;
  const Identity& identity_;
  Clock& clock_;
  NodeSet& nodes_;
  uint16_t http_port_ = 0;  // constant once started
  const int64_t boot_millis_;
  StopSource stop_;

  Orders orders_;

  // The control thread's.
  Backoff backoff_;
  rpc::FramedSocket socket_;
  std::map<std::string, rpc::control::LogicalState> told_;  // on this connection
  std::vector<std::vector<std::string>> removals_told_;     // by polls that wait for an answer

  mutable Mutex mutex_;
  CondVar changed_;
  StopSource interrupt_ FLUME_GUARDED_BY(mutex_);  // ends a wait for the master; renewed after use
  ControlStatus status_ FLUME_GUARDED_BY(mutex_);
  Thread thread_;
};

void ControlClient::Impl::wake() {
  {
    const MutexLock lock(mutex_);
    interrupt_.request_stop();
  }
  changed_.notify_all();
}

StopToken ControlClient::Impl::fresh_interrupt() {
  const MutexLock lock(mutex_);
  if (interrupt_.stop_requested() && !stop_.stop_requested()) {
    interrupt_ = StopSource();
  }
  return interrupt_.token();
}

void ControlClient::Impl::pause(Duration time) {
  const Wait wait = within(time);
  const MutexLock lock(mutex_);
  while (changed_.wait(mutex_, wait)) {
  }
}

void ControlClient::Impl::publish(const std::function<void(ControlStatus&)>& change) {
  const MutexLock lock(mutex_);
  change(status_);
}

void ControlClient::Impl::run() {
  for (size_t turn = 0; !stop_.stop_requested(); ++turn) {
    const MasterAddress& master = options_.masters[turn % options_.masters.size()];
    const Status end = talk(master);
    const bool had_contact = status().is_connected;
    publish([&end](ControlStatus& status) {
      status.is_connected = false;
      status.error = std::string(end.message());
    });
    if (stop_.stop_requested()) {
      return;
    }
    FLUME_LOG_EVERY(60'000, kWarn, "no contact with the master; what runs here goes on", kv("error", end));
    if (had_contact) {
      backoff_.reset();
    }
    if (had_contact || (turn + 1) % options_.masters.size() == 0) {  // each master once, then a pause
      pause(backoff_.next());
    }
  }
}

Status ControlClient::Impl::talk(const MasterAddress& master) {
  publish([&master](ControlStatus& status) { status.master = str_cat(master.host, ":", master.port); });
  FLUME_RETURN_IF_ERROR(socket_.connect(master.host, master.port, within(options_.timeout)));
  told_.clear();
  removals_told_.clear();
  bool full = true;
  while (!stop_.stop_requested()) {
    const StopToken news = fresh_interrupt();  // before the states are read: what changes later wakes
    FLUME_RETURN_IF_ERROR(report(full));
    full = false;
    bool report_again = false;
    const Wait answer = Wait::for_duration(options_.report_period + options_.timeout, news);
    while (!report_again) {
      auto message = socket_.receive(answer);
      if (!message.ok()) {
        return message.status();
      }
      if (!*message) {
        if (stop_.stop_requested()) {
          return {Code::kStopped, "this node stops"};
        }
        if (!news.stop_requested()) {
          return unavailable(str_cat("wait for ", socket_.peer(), ": no answer"));
        }
        if (removals_told_.size() > kMostUnanswered) {
          return unavailable(str_cat("wait for ", socket_.peer(), ": no answer"));
        }
        pause(kTogether);
        break;
      }
      FLUME_ASSIGN_OR_RETURN(const rpc::control::Desired desired, decode_desired(**message));
      orders_.arrived(removals_told_.front());
      removals_told_.erase(removals_told_.begin());
      publish([this](ControlStatus& status) {
        status.is_connected = true;
        status.last_contact_millis = clock_.wall_millis();
        status.error.clear();
      });
      if (!orders_.obey(desired)) {
        publish([](ControlStatus& status) { status.error = "this master keeps another store; not obeyed"; });
      }
      full = full || desired.send_full_report;
      report_again = removals_told_.empty();  // else the answer to a later poll is still to come
      if (desired.retry_ms > 0) {
        pause(std::chrono::milliseconds(desired.retry_ms));
      }
    }
  }
  return {Code::kStopped, "this node stops"};
}

Status ControlClient::Impl::report(bool full) {
  rpc::control::NodeReport report;
  report.__set_node_id(as_bytes(identity_.node_id));
  report.__set_name(identity_.physical_node);
  report.__set_host(identity_.host);
  report.__set_boot_epoch(identity_.boot_epoch);
  report.__set_version(FLUME_VERSION);
  report.__set_full(full);
  report.__set_addresses(own_addresses(socket_.fd()));
  report.__set_http_port(http_port_);
  report.__set_boot_ms(boot_millis_);
  orders_.describe(report);
  std::map<std::string, rpc::control::LogicalState> now;
  for (const LogicalStatus& status : nodes_.list()) {
    rpc::control::LogicalState state = logical_state(status, orders_.text_hash(status.name));
    const auto told = told_.find(status.name);
    if (full || told == told_.end() || !(told->second == state)) {
      report.changed.push_back(state);
    }
    now.emplace(status.name, std::move(state));
  }
  report.__isset.changed = true;
  told_ = std::move(now);
  const auto wait_ms = std::chrono::duration_cast<std::chrono::milliseconds>(options_.report_period).count();
  FLUME_ASSIGN_OR_RETURN(const std::string message, encode_poll(report, static_cast<int32_t>(wait_ms)));
  removals_told_.push_back(report.removed);
  return socket_.send(message, within(options_.timeout));
}

ControlClient::ControlClient(ControlOptions options, const Identity& identity, Clock& clock, NodeSet& nodes)
    : impl_(std::make_unique<Impl>(std::move(options), identity, clock, nodes)) {}

ControlClient::~ControlClient() { stop(); }

void ControlClient::start(uint16_t http_port) { impl_->start(http_port); }

void ControlClient::stop() { impl_->stop(); }

ControlStatus ControlClient::status() const { return impl_->status(); }

}  // namespace flume::node
