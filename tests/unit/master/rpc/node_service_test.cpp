// The port for nodes over real connections: what is answered at once, what waits, and what closes a connection.
#include "master/rpc/node_service.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <thrift/TApplicationException.h>
#include <thrift/transport/TSocket.h>

#include "common/rpc/framed_socket.h"
#include "common/rpc/thrift_bytes.h"
#include "rpc/NodeControl.h"
#include "rpc/ThriftFlumeClientServer.h"
#include "tests/support/master_world.h"
#include "tests/support/soon.h"

namespace flume::master {
namespace {

using rpc::control::Desired;
using rpc::control::NodeReport;
using test::soon;

std::string bytes_of(const Id128& id) { return {id.begin(), id.end()}; }

// One node's end.
class TestNode {
 public:
  explicit TestNode(uint16_t port) { EXPECT_TRUE(socket.connect("127.0.0.1", port, soon()).ok()); }

  static NodeReport report(const std::string& name, bool full = true) {
    NodeReport out;
    out.node_id = std::string(16, 'n');
    out.name = name;
    out.host = "host1";
    out.boot_epoch = 1;
    out.full = full;
    return out;
  }
  void send(const NodeReport& report, int32_t wait_ms = 600'000) {
    const auto out = rpc::writer();
    rpc::control::NodeControlClient(out).send_poll(report, wait_ms);
    ASSERT_TRUE(socket.send(rpc::take(*out), soon()).ok());
  }
  Desired answer() {
    Desired desired;
    const auto message = socket.receive(soon());
    EXPECT_TRUE(message.ok() && *message) << message.status().to_string();
    if (message.ok() && *message) {
      rpc::control::NodeControlClient(rpc::reader_of(**message)).recv_poll(desired);
    }
    return desired;
  }
  bool is_closed() { return !socket.receive(soon()).ok(); }

  rpc::FramedSocket socket;
};

class NodeServiceTest : public testing::Test {
 protected:
  NodeServiceTest() { build({}); }
  ~NodeServiceTest() override { service_->stop(); }

  void build(NodeServiceOptions options) {
    if (service_) {
      service_->stop();
    }
    options.store_id = bytes_of(world_.store->store_id());
    service_ = std::make_unique<NodeService>(options, world_.wanted, world_.nodes);
    EXPECT_TRUE(service_->start().ok());
  }
  void configure(const std::string& node, const std::string& sink) {
    EXPECT_EQ(world_.error("config", {node, "null", sink}), "");
    service_->news();
  }
  // A connection with a poll of "p1" that waits at the master, which the answer to the one before proves.
  void park(TestNode& node) {
    node.send(TestNode::report("p1"));
    node.send(TestNode::report("p1", false));
    const Desired first = node.answer();
    EXPECT_TRUE(first.configs.empty());
    EXPECT_FALSE(first.send_full_report);
  }

  MasterWorld world_;
  std::unique_ptr<NodeService> service_;
};

TEST_F(NodeServiceTest, APollWaitsUntilThereIsNewsForItsNode) {
  TestNode node(service_->port());
  park(node);
  configure("other", "null");
  configure("p1", "console");
  const Desired news = node.answer();
  ASSERT_EQ(news.configs.size(), 1U);
  EXPECT_EQ(news.configs[0].name, "p1");
  EXPECT_EQ(news.configs[0].source, "null");
  EXPECT_EQ(news.configs[0].sink, "console");
  EXPECT_EQ(news.store_id, bytes_of(world_.store->store_id()));
}

TEST_F(NodeServiceTest, ANodeThatIsBehindIsAnsweredAtOnce) {
  configure("p1", "console");
  TestNode node(service_->port());
  node.send(TestNode::report("p1"));
  EXPECT_EQ(node.answer().configs.size(), 1U);
}

TEST_F(NodeServiceTest, APollIsAnsweredWhenItsTimeIsOver) {
  TestNode node(service_->port());
  node.send(TestNode::report("p1"), 1);
  EXPECT_TRUE(node.answer().configs.empty());
}

TEST_F(NodeServiceTest, APartialReportOfAnUnknownNodeIsNotEnough) {
  TestNode node(service_->port());
  node.send(TestNode::report("p1", false));
  EXPECT_TRUE(node.answer().send_full_report);
  node.send(TestNode::report("p1"), 1);
  EXPECT_FALSE(node.answer().send_full_report);
}

TEST_F(NodeServiceTest, WhatWasNotTakenIsToldAgainButNotInACircle) {
  configure("p1", "console");
  TestNode node(service_->port());
  node.send(TestNode::report("p1"));
  EXPECT_EQ(node.answer().configs.size(), 1U);
  node.send(TestNode::report("p1", false));  // still without it
  node.send(TestNode::report("p1", false), 1);
  EXPECT_TRUE(node.answer().configs.empty());  // the first of the two waited
  EXPECT_EQ(node.answer().configs.size(), 1U);
  node.send(TestNode::report("p1", false));
  configure("p1", "null");  // news at any time
  const Desired news = node.answer();
  ASSERT_EQ(news.configs.size(), 1U);
  EXPECT_EQ(news.configs[0].sink, "null");
}

TEST_F(NodeServiceTest, ARemovalIsListedUntilItIsConfirmed) {
  EXPECT_EQ(world_.error("map", {"p1", "a"}), "");
  configure("a", "null");
  TestNode node(service_->port());
  node.send(TestNode::report("p1"));
  const Desired told = node.answer();
  ASSERT_EQ(told.configs.size(), 1U);
  EXPECT_EQ(world_.error("decommission", {"a"}), "");
  NodeReport report = TestNode::report("p1", false);
  node.send(report);
  const Desired removal = node.answer();
  ASSERT_EQ(removal.remove.size(), 1U);
  EXPECT_EQ(removal.remove[0].name, "a");
  report.removed = {"a"};
  node.send(report, 1);
  EXPECT_TRUE(node.answer().remove.empty());
}

TEST_F(NodeServiceTest, ANodeOfAnotherStoreIsToldNothing) {
  configure("p1", "console");
  TestNode node(service_->port());
  NodeReport report = TestNode::report("p1");
  report.store_id = std::string(16, 'x');
  node.send(report, 1);
  const Desired told = node.answer();
  EXPECT_TRUE(told.configs.empty());
  EXPECT_EQ(told.store_id, bytes_of(world_.store->store_id()));
  EXPECT_TRUE(world_.nodes.find("p1")->obeys_another_store);
}

TEST_F(NodeServiceTest, ALostConnectionLeavesTheOthersAlone) {
  TestNode stays(service_->port());
  park(stays);
  {
    TestNode leaves(service_->port());
    leaves.send(TestNode::report("p2"));
    leaves.send(TestNode::report("p2", false));
    (void)leaves.answer();
  }
  configure("p2", "null");
  configure("p1", "null");
  EXPECT_EQ(stays.answer().configs.size(), 1U);
}

TEST_F(NodeServiceTest, WhatIsNoMessageClosesTheConnectionOnly) {
  const auto poll = [](const NodeReport& report) {
    const auto out = rpc::writer();
    rpc::control::NodeControlClient(out).send_poll(report, 1);
    return rpc::take(*out);
  };
  // A report of a million empty states: few bytes, much memory.
  std::string bomb = poll(TestNode::report("p1"));
  const std::string list_head("\x0f\x00\x0a\x0c", 4);  // field 10, a list of structs
  const size_t at = bomb.find(list_head);
  ASSERT_NE(at, std::string::npos);
  bomb.replace(at + 4, 4, std::string("\x00\x10\x00\x00", 4));
  bomb.insert(at + 8, std::string(1 << 20, '\0'));
  NodeReport nameless = TestNode::report("../p1");
  const std::map<std::string, std::string> cases = {
      {"another protocol", "GET / HTTP/1.0\r\n\r\n"},
      {"an empty frame", std::string(4, '\0')},
      {"a frame too large", std::string("\x7f\xff\xff\xff", 4)},
      {"a frame of something else", rpc::with_frame("hello, master")},
      {"more than a message", rpc::with_frame(poll(TestNode::report("p1")) + "x")},
      {"less than a message", rpc::with_frame(poll(TestNode::report("p1")).substr(0, 60))},
      {"too many elements", rpc::with_frame(bomb)},
      {"no possible name", rpc::with_frame(poll(nameless))},
  };
  TestNode stays(service_->port());
  park(stays);
  for (const auto& [what, bytes] : cases) {
    TestNode node(service_->port());
    // The service may close before it has read all of it.
    (void)::send(node.socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    EXPECT_TRUE(node.is_closed()) << what;
  }
  configure("p1", "null");
  EXPECT_EQ(stays.answer().configs.size(), 1U);
}

TEST_F(NodeServiceTest, AnUnknownCallIsRefusedAndTheConnectionGoesOn) {
  TestNode node(service_->port());
  const auto out = rpc::writer();
  rpc::control::NodeControlClient(out).send_catalog("hash", "catalog");
  ASSERT_TRUE(node.socket.send(rpc::take(*out), soon()).ok());
  const auto message = node.socket.receive(soon());
  ASSERT_TRUE(message.ok() && *message);
  rpc::control::NodeControlClient client(rpc::reader_of(**message));
  EXPECT_THROW(client.recv_catalog(), apache::thrift::TApplicationException);
  node.send(TestNode::report("p1"), 1);
  EXPECT_TRUE(node.answer().configs.empty());
}

TEST_F(NodeServiceTest, ConnectionsAreLimited) {
  NodeServiceOptions options;
  options.max_connections = 1;
  build(options);
  TestNode first(service_->port());
  park(first);
  TestNode second(service_->port());
  EXPECT_TRUE(second.is_closed());
  configure("p1", "null");
  EXPECT_EQ(first.answer().configs.size(), 1U);
}

TEST_F(NodeServiceTest, UnfinishedMessagesOfAllPeersAreLimited) {
  NodeServiceOptions options;
  options.max_unfinished = 1000;
  build(options);
  TestNode first(service_->port());
  TestNode second(service_->port());
  const std::string begun = std::string("\x00\x00\x40\x00", 4) + std::string(600, 'x');
  for (TestNode* const node : {&first, &second}) {
    ASSERT_EQ(::send(node->socket.fd(), begun.data(), begun.size(), MSG_NOSIGNAL), 604);
  }
  pollfd fds[] = {{first.socket.fd(), POLLIN, 0}, {second.socket.fd(), POLLIN, 0}};
  ASSERT_EQ(::poll(fds, 2, 60'000), 1);  // the one whose bytes came last
}

TEST_F(NodeServiceTest, AStopClosesAllConnectionsAndMayBeRepeated) {
  TestNode node(service_->port());
  park(node);
  service_->stop();
  EXPECT_TRUE(node.is_closed());
  service_->news();
  service_->stop();
}

TEST_F(NodeServiceTest, APortInUseIsSaid) {
  NodeServiceOptions options;
  options.port = service_->port();
  NodeService second(options, world_.wanted, world_.nodes);
  const Status status = second.start();
  EXPECT_EQ(status.code(), Code::kBusy);
  EXPECT_EQ(status.message(),
            str_cat("listen for nodes on 127.0.0.1:", service_->port(), ": Address already in use (EADDRINUSE)"));
}

// A classic node: unframed, each field in a segment of its own.
class ClassicNodeTest : public NodeServiceTest {
 protected:
  ClassicNodeTest() {
    socket_ = std::make_shared<apache::thrift::transport::TSocket>("127.0.0.1", service_->port());
    socket_->open();
    using Raw = apache::thrift::protocol::TBinaryProtocolT<apache::thrift::transport::TTransport>;
    const auto protocol = std::make_shared<Raw>(socket_, 0, 0, true, true);
    client_ = std::make_unique<rpc::classic::ThriftFlumeClientServerClient>(protocol);
  }
  bool heartbeat(int64_t version) {
    return client_->heartbeat("a", "p1", "host1", rpc::classic::FlumeNodeState::ACTIVE, version);
  }

  std::shared_ptr<apache::thrift::transport::TSocket> socket_;
  std::unique_ptr<rpc::classic::ThriftFlumeClientServerClient> client_;
};

TEST_F(ClassicNodeTest, AHeartbeatSaysWhetherThereIsANewerConfiguration) {
  EXPECT_FALSE(heartbeat(0));
  EXPECT_EQ(world_.error("map", {"p1", "a"}), "");
  configure("a", "console");
  EXPECT_TRUE(heartbeat(0));
  rpc::classic::FlumeConfigData config;
  client_->getConfig(config, "a");
  EXPECT_EQ(config.sourceConfig, "null");
  EXPECT_EQ(config.sinkConfig, "console");
  EXPECT_EQ(config.flowID, "default-flow");
  EXPECT_EQ(config.sourceVersion, config.sinkVersion);
  EXPECT_FALSE(heartbeat(config.sourceVersion));
  const auto node = world_.nodes.find("p1");
  ASSERT_TRUE(node);
  EXPECT_TRUE(node->is_classic);
  EXPECT_EQ(node->logical.at("a").report.state, StateCode::kActive);
}

TEST_F(ClassicNodeTest, ANodeThatIsMappedElsewhereIsNotAskedToFetch) {
  EXPECT_EQ(world_.error("map", {"p2", "a"}), "");
  configure("a", "console");
  EXPECT_FALSE(heartbeat(0));
}

TEST_F(ClassicNodeTest, NoConfigurationIsAnAnswerWithoutResult) {
  rpc::classic::FlumeConfigData config;
  try {
    client_->getConfig(config, "nobody");
    FAIL() << "an answer";
  } catch (const apache::thrift::TApplicationException& error) {
    EXPECT_EQ(error.getType(), apache::thrift::TApplicationException::MISSING_RESULT);
  }
  EXPECT_FALSE(heartbeat(0));  // the connection goes on
}

TEST_F(ClassicNodeTest, MappedNodesAreListedWithAndWithoutConfiguration) {
  EXPECT_EQ(world_.error("map", {"p1", "b"}), "");
  EXPECT_EQ(world_.error("map", {"p1", "a"}), "");
  configure("a", "console");
  std::vector<std::string> names;
  client_->getLogicalNodes(names, "p1");
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
  std::map<std::string, int32_t> chokes{{"x", 1}};
  client_->getChokeMap(chokes, "p1");
  EXPECT_TRUE(chokes.empty());
}

TEST_F(ClassicNodeTest, AnAcknowledgedTagIsToldOnce) {
  EXPECT_FALSE(client_->checkAck("tag"));
  client_->acknowledge("tag");
  client_->acknowledge("tag");
  EXPECT_TRUE(client_->checkAck("tag"));
  EXPECT_FALSE(client_->checkAck("tag"));
}

TEST_F(ClassicNodeTest, AnImpossibleNameIsRefusedAndTheConnectionGoesOn) {
  EXPECT_THROW(client_->heartbeat("../a", "p1", "host1", rpc::classic::FlumeNodeState::IDLE, 0),
               apache::thrift::TApplicationException);
  EXPECT_FALSE(heartbeat(0));
  EXPECT_FALSE(world_.nodes.find("../a"));
}

TEST_F(ClassicNodeTest, ReportsAreTaken) {
  client_->putReports({{"a.report", {}}});
  EXPECT_FALSE(heartbeat(0));
}

}  // namespace
}  // namespace flume::master
