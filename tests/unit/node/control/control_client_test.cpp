// The node's talk with its masters, against masters whose every answer the test decides.
#include "node/control/control_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <semaphore>

#include "common/base/fd.h"
#include "common/base/text.h"
#include "common/rpc/thrift_bytes.h"
#include "node/control/saved_state.h"
#include "rpc/NodeControl.h"
#include "tests/support/node_world.h"
#include "tests/support/temp_dir.h"

namespace flume::node {

void register_source_null(Registry& registry);
void register_sink_null(Registry& registry);

namespace {

using rpc::control::Desired;
using rpc::control::NodeReport;

const std::string kStore(16, 's');
constexpr int kEnded = 1;  // IDLE: the source null has an end, so ACTIVE may be over before it is seen

// A listening socket and at most one connection, served by hand from the test's thread.
class FakeMaster {
 public:
  FakeMaster() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.fd(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.fd(), 8), 0);
    EXPECT_EQ(::getsockname(listener_.fd(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }

  MasterAddress address() const { return {"127.0.0.1", port_}; }
  void accept() {
    pollfd ready{listener_.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&ready, 1, 60'000), 1) << "nobody came";
    connection_.reset(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(connection_.is_open());
  }
  void hang_up() { connection_.reset(); }

  // The next report; what it asked for is in wait_ms.
  NodeReport report() {
    const std::string head = read(4);
    size_t length = 0;
    for (const char c : head) {
      length = length << 8 | static_cast<uint8_t>(c);
    }
    const std::string message = read(length);
    const auto in = rpc::reader_of(message);
    std::string method;
    auto type = apache::thrift::protocol::T_CALL;
    int32_t sequence = 0;
    in->readMessageBegin(method, type, sequence);
    EXPECT_EQ(method, "poll");
    rpc::control::NodeControl_poll_args call;
    call.read(in.get());
    wait_ms = call.wait_ms;
    return call.report;
  }
  void answer(Desired desired) {
    const auto out = rpc::writer();
    rpc::control::NodeControl_poll_result result;
    result.success = std::move(desired);
    result.__isset.success = true;
    out->writeMessageBegin("poll", apache::thrift::protocol::T_REPLY, 0);
    result.write(out.get());
    out->writeMessageEnd();
    send(rpc::with_frame(rpc::take(*out)));
  }
  void send(const std::string& bytes) {
    ASSERT_EQ(::send(connection_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  int32_t wait_ms = 0;

 private:
  std::string read(size_t bytes) {
    std::string out(bytes, '\0');
    size_t at = 0;
    while (at < bytes) {
      pollfd ready{connection_.fd(), POLLIN, 0};
      const ssize_t n = ::poll(&ready, 1, 60'000) == 1 ? ::recv(connection_.fd(), out.data() + at, bytes - at, 0) : -1;
      if (n <= 0) {
        ADD_FAILURE() << "the node said nothing";
        return out;
      }
      at += static_cast<size_t>(n);
    }
    return out;
  }

  const UniqueFd listener_;
  UniqueFd connection_;
  uint16_t port_ = 0;
};

class ControlClientTest : public testing::Test {
 protected:
  ControlClientTest() {
    register_source_null(registry_);
    register_sink_null(registry_);
    options_.masters = {master_.address()};
    options_.saved_path = dir_ / "configuration";
    options_.report_period = std::chrono::minutes(10);  // nothing here happens because time passes
    options_.first_pause = std::chrono::milliseconds(1);
    options_.longest_pause = std::chrono::milliseconds(1);
    options_.timeout = std::chrono::minutes(1);
  }
  ~ControlClientTest() override {
    if (client_) {
      client_->stop();
    }
    set_.stop();
  }

  void start() {
    client_ = std::make_unique<ControlClient>(options_, world_.identity, world_.clock, set_);
    client_->start(4711);
  }
  static Desired desired(int64_t revision) {
    Desired out;
    out.__set_store_id(kStore);
    out.__set_revision(revision);
    return out;
  }
  static Desired config(const std::string& name, int64_t revision, const std::string& sink = "null") {
    Desired out = desired(revision);
    rpc::control::SetLogical set;
    set.__set_name(name);
    set.__set_revision(revision);
    set.__set_flow("f");
    set.__set_source("null");
    set.__set_sink(sink);
    set.__set_text_hash(str_cat("h", revision));
    out.configs.push_back(set);
    return out;
  }
  // The state of `name` in the next report that has one in which `holds`; every report is answered with nothing.
  rpc::control::LogicalState until(const std::string& name,
                                   const std::function<bool(const rpc::control::LogicalState&)>& holds) {
    while (!HasFailure()) {
      const NodeReport report = master_.report();
      for (const auto& state : report.changed) {
        if (state.name == name && holds(state)) {
          return state;
        }
      }
      master_.answer(desired(1));
    }
    return {};
  }

  test::NodeWorld world_;
  test::TempDir dir_;
  Registry registry_;
  NodeSet set_{NodeSetParts{registry_, world_.clock, world_.metrics, world_.settings, world_.capabilities,
                            world_.identity, world_.watch, world_.storage, world_.net, "", false}};
  FakeMaster master_;
  ControlOptions options_;
  std::unique_ptr<ControlClient> client_;
};

TEST_F(ControlClientTest, IntroducesItselfInFull) {
  start();
  master_.accept();
  const NodeReport report = master_.report();
  EXPECT_EQ(report.name, "p1");
  EXPECT_EQ(report.host, "host1");
  EXPECT_EQ(report.boot_epoch, 7);
  EXPECT_EQ(report.http_port, 4711);
  EXPECT_EQ(report.addresses, std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(report.store_id, "");
  EXPECT_EQ(report.revision, 0);
  EXPECT_TRUE(report.full);
  EXPECT_TRUE(report.changed.empty());
  EXPECT_EQ(master_.wait_ms, 600'000);
}

TEST_F(ControlClientTest, RunsWhatItIsToldAndReportsThatAtOnce) {
  start();
  master_.accept();
  (void)master_.report();
  master_.answer(config("a", 3));
  const auto state = until("a", [](const auto& seen) { return seen.revision == 3 && seen.state == kEnded; });
  EXPECT_EQ(state.text_hash, "h3");
  EXPECT_EQ(state.wanted_revision, 3);
  EXPECT_EQ(state.error, "");
  const auto saved = load_saved_state(options_.saved_path);
  ASSERT_TRUE(saved.ok());
  ASSERT_EQ(saved->configs.size(), 1U);
  EXPECT_EQ(saved->configs[0].text_hash, "h3");
}

TEST_F(ControlClientTest, ABadConfigurationIsReportedWithItsReason) {
  start();
  master_.accept();
  (void)master_.report();
  master_.answer(config("a", 3, "nul"));
  const auto state = until("a", [](const auto& seen) { return !seen.error.empty(); });
  EXPECT_EQ(state.text_hash, "h3");
  EXPECT_EQ(state.wanted_revision, 3);
  EXPECT_EQ(state.revision, 0);
  EXPECT_NE(state.error.find("did you mean 'null'?"), std::string::npos) << state.error;
}

TEST_F(ControlClientTest, ReportsOnlyWhatIsNewUnlessAskedForAll) {
  start();
  master_.accept();
  (void)master_.report();
  master_.answer(config("a", 3));
  (void)until("a", [](const auto& seen) { return seen.state == kEnded; });
  Desired order = config("b", 4);
  master_.answer(order);
  (void)until("b", [](const auto& seen) { return seen.state == kEnded; });
  Desired all = desired(4);
  all.__set_send_full_report(true);
  master_.answer(all);
  NodeReport report = master_.report();
  while (!report.full && !HasFailure()) {  // what was on its way
    EXPECT_TRUE(report.changed.size() < 2U);
    master_.answer(desired(4));
    report = master_.report();
  }
  EXPECT_EQ(report.changed.size(), 2U);
  EXPECT_EQ(report.revision, 4);
  EXPECT_EQ(report.store_id, kStore);
}

TEST_F(ControlClientTest, ARemovalIsConfirmedUntilAMasterHeardOfIt) {
  start();
  master_.accept();
  (void)master_.report();
  master_.answer(config("a", 3));
  (void)until("a", [](const auto& seen) { return seen.state == kEnded; });
  Desired order = desired(4);
  rpc::control::RemoveLogical removal;
  removal.__set_name("a");
  removal.__set_revision(4);
  order.remove.push_back(removal);
  order.__isset.remove = true;
  master_.answer(order);
  NodeReport report = master_.report();
  while (report.removed.empty() && !HasFailure()) {
    master_.answer(desired(4));
    report = master_.report();
  }
  EXPECT_EQ(report.removed, std::vector<std::string>{"a"});
  EXPECT_FALSE(set_.find("a"));
  master_.hang_up();  // before it answered
  master_.accept();
  report = master_.report();
  EXPECT_TRUE(report.full);
  EXPECT_EQ(report.removed, std::vector<std::string>{"a"});
  master_.answer(desired(4));
  EXPECT_TRUE(master_.report().removed.empty());
}

TEST_F(ControlClientTest, WithoutAMasterItRunsWhatItWasToldLast) {
  start();
  master_.accept();
  (void)master_.report();
  master_.answer(config("a", 3));
  (void)until("a", [](const auto& seen) { return seen.state == kEnded; });
  client_->stop();
  ASSERT_TRUE(set_.remove("a").ok());
  options_.masters.clear();
  start();
  const auto status = set_.find("a");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->wanted_revision, 3U);
}

TEST_F(ControlClientTest, GoesToTheNextMasterWhenOneIsLost) {
  FakeMaster second;
  options_.masters.push_back(second.address());
  start();
  master_.accept();
  (void)master_.report();
  master_.answer(config("a", 3));
  (void)until("a", [](const auto& seen) { return seen.state == kEnded; });
  master_.hang_up();
  second.accept();
  const NodeReport report = second.report();
  EXPECT_TRUE(report.full);
  ASSERT_EQ(report.changed.size(), 1U);
  EXPECT_EQ(report.changed[0].text_hash, "h3");
  EXPECT_EQ(set_.find("a")->revision, 3U);  // it ran all the time
}

TEST_F(ControlClientTest, AnAnswerThatIsNoneEndsTheConnectionOnly) {
  start();
  for (const std::string& bytes :
       {rpc::with_frame("hello, node"), std::string("\x7f\xff\xff\xff", 4), std::string("HTTP/1.1 200 OK\r\n\r\n")}) {
    master_.accept();
    (void)master_.report();
    master_.send(bytes);
  }
  master_.accept();
  (void)master_.report();
  master_.answer(config("a", 3));
  (void)until("a", [](const auto& seen) { return seen.state == kEnded; });
  const ControlStatus status = client_->status();
  EXPECT_TRUE(status.is_connected);
  EXPECT_EQ(status.error, "");
  EXPECT_EQ(status.master, str_cat("127.0.0.1:", master_.address().port));
}

TEST_F(ControlClientTest, AnotherStoresMasterIsSaidAndNotObeyed) {
  start();
  master_.accept();
  (void)master_.report();
  master_.answer(config("a", 3));
  (void)until("a", [](const auto& seen) { return seen.state == kEnded; });
  Desired foreign = config("a", 1, "nul");
  foreign.store_id = std::string(16, 'o');
  master_.answer(foreign);
  NodeReport report = master_.report();
  EXPECT_EQ(report.store_id, kStore);
  EXPECT_EQ(client_->status().error, "this master keeps another store; not obeyed");
  EXPECT_EQ(set_.find("a")->wanted_revision, 3U);
}

TEST(MasterAddresses, HostsWithAndWithoutPort) {
  Settings settings = Settings::defaults();
  ASSERT_TRUE(settings.set("flume.master.servers", "m1, m2:9, [::1], [::1]:7", "test").ok());
  const auto masters = master_addresses(settings);
  ASSERT_TRUE(masters.ok()) << masters.status().to_string();
  std::vector<std::string> seen;
  for (const MasterAddress& master : *masters) {
    seen.push_back(str_cat(master.host, " ", master.port));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"m1 35872", "m2 9", "::1 35872", "::1 7"}));
}

TEST(MasterAddresses, ABadEntryIsNamed) {
  Settings settings = Settings::defaults();
  for (const std::string& text : {std::string("m1:"), std::string(":1"), std::string("m1:0"), std::string("m1:70000"),
                                  std::string("[::1"), std::string("[::1]7")}) {
    ASSERT_TRUE(settings.set("flume.master.heartbeat.servers", text, "test").ok());
    EXPECT_EQ(master_addresses(settings).status().message(),
              str_cat("flume.master.heartbeat.servers: ", quoted(text),
                      ": expected host or host:port ([address]:port for IPv6)"));
  }
}

}  // namespace
}  // namespace flume::node
