#include "node/http/status_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/http/log_metrics.h"

namespace flume::node {
namespace {

LogicalStatus busy_node() {
  LogicalStatus node;
  node.name = "agent";
  node.flow = "default-flow";
  node.state = NodeState::kActive;
  node.since_millis = 1000;
  node.revision = 7;
  node.wanted_revision = 8;
  node.source = "tail(\"/a\")";
  node.sink = "console";
  node.error = "line 1: no sink 'x'";
  node.error_millis = 2000;
  node.ledger.read = {100, 2000};
  node.ledger.delivered = {90, 1800};
  node.ledger.in_flight = {6, 120};
  node.ledger.dropped["unconfirmed"] = {4, 80};
  node.counters["flume_tail_reopened_total"] = 3;
  return node;
}

class StatusApiTest : public testing::Test {
 protected:
  JsonValue parse(const std::string& text) {
    Result<JsonValue> json = JsonValue::parse(text);
    EXPECT_TRUE(json.ok()) << text;
    return json.ok() ? *json : JsonValue();
  }

  ManualClock clock_{5000};
  std::vector<LogicalStatus> nodes_ = {busy_node()};
  MasterLink master_;
  StatusApi api_{Identity{"web1", "host1", {}, 1},
                 clock_,
                 {[this] { return nodes_; }, [this] { return master_; }, [] { return "flume_up 1\n"; }}};
};

TEST_F(StatusApiTest, ShowsALogicalNodeAsTheApiSays) {
  EXPECT_EQ(
      api_.logical_json("agent").value_or(""),
      R"({"name":"agent","physical":"web1","host":"host1","flow":"default-flow","state":"ACTIVE","since_ms":1000,)"
      R"x("revision":7,"wanted_revision":8,"source":"tail(\"/a\")","sink":"console","error":"line 1: no sink 'x'",)x"
      R"("error_ms":2000,"next_try_ms":null,"last_seen_ms":5000,)"
      R"("rates":{"read_events":0.0,"read_bytes":0.0,"delivered_events":0.0,"delivered_bytes":0.0},)"
      R"("ledger":{"read":{"events":100,"bytes":2000},"recovered":{"events":0,"bytes":0},"copies":0,)"
      R"("delivered":{"events":90,"bytes":1800},"in_flight":{"events":6,"bytes":120},)"
      R"("held":{"events":0,"bytes":0},"joined":0,"missing":0,)"
      R"("dropped":{"events":4,"bytes":80,"reasons":{"unconfirmed":{"events":4,"bytes":80}}},"unexplained":0,"balanced":true},)"
      R"("promise":{"delivery":"at_least_once","source":"","possibly_doubled":0,"sinks":[]},"logs":[],)"
      R"("counters":{"flume_tail_reopened_total":3}})");
}

LogStatus held_up_log() {
  LogStatus log;
  log.kind = "wal";
  log.path = "sink";
  log.folder = "/wal/sink";
  log.rows = 7;
  log.bytes = 4096;
  log.limit_bytes = 1 << 20;
  log.segments = 2;
  log.recovered = 3;
  log.repeated = 1;
  log.parked = 5;
  log.doubled = 4;
  log.missing = 2;
  log.damaged_bytes = 352;
  log.places.push_back({4, 6, "/wal/sink/0.open", 64, 320, "its blob fails its check"});
  log.oldest_millis = 3500;
  log.acks.total = 40;
  log.acks.rows[2] = 30;
  log.acks.rows[wal::kAckLimits] = 10;
  log.acks.sum_seconds = 40000.5;
  log.acks.median = std::chrono::milliseconds(4);
  log.acks.p99 = std::chrono::milliseconds(20);
  log.error = "no space left";
  log.state = NodeState::kBackoff;
  log.chain_error = "connection refused";
  log.next_try_millis = 6000;
  log.counts.dropped["undecodable"] = {1, 10};
  return log;
}

TEST_F(StatusApiTest, ShowsLogsAsTheApiSays) {
  nodes_[0].logs = {held_up_log()};
  nodes_[0].counters["flume_possibly_doubled_rows_total"] = 5;
  nodes_[0].promise.promise = Promise::kOnceInFiles;
  nodes_[0].promise.sinks = {{"sink", "agentSink", Promise::kOnceInFiles, "rows stay"}};
  const JsonValue node = parse(api_.logical_json("agent").value_or(""));
  EXPECT_EQ(node.find("promise")->to_json(),
            R"({"delivery":"exactly_once_in_files","source":"","possibly_doubled":5,)"
            R"("sinks":[{"path":"sink","sink":"agentSink","delivery":"exactly_once_in_files","why":"rows stay"}]})");
  EXPECT_EQ(
      node.find("logs")->to_json(),
      R"([{"kind":"wal","path":"sink","folder":"/wal/sink","rows":7,"bytes":4096,"limit_bytes":1048576,)"
      R"("segments":2,"oldest_ms":3500,"recovered":3,"repeated":1,"parked":5,"possibly_doubled":4,)"
      R"("missing":{"events":2,"places":[)"
      R"({"first":4,"end":6,"segment":"/wal/sink/0.open","offset":64,"bytes":320,"why":"its blob fails its check"}]},)"
      R"("damaged_bytes":352,"disk_error":"no space left","sending":{"state":"BACKOFF","error":"connection refused","next_try_ms":6000},)"
      R"("ack":{"events":40,"median_ms":4.0,"p99_ms":20.0},)"
      R"("dropped":{"events":1,"bytes":10,"reasons":{"undecodable":{"events":1,"bytes":10}}}}])");
}

TEST_F(StatusApiTest, LogsAreInTheMetricsWhileTheyAreOpen) {
  EXPECT_THAT(log_metrics(nodes_, 5000), testing::Not(testing::HasSubstr("flume_wal_")));
  nodes_[0].logs = {held_up_log()};
  nodes_[0].ledger.unexplained = -3;
  const std::string text = log_metrics(nodes_, 5000);
  const std::string labels = R"({node="agent",path="sink",kind="wal"} )";
  const std::vector<std::string> lines = {
      "flume_flow_unexplained_events{node=\"agent\"} -3\n",
      "\nflume_wal_rows" + labels + "7\n",
      "\nflume_wal_bytes" + labels + "4096\n",
      "\nflume_wal_oldest_seconds" + labels + "1.5\n",
      "\nflume_wal_disk_error" + labels + "1\n",
      "# TYPE flume_wal_ack_seconds histogram\n",
      std::string(R"(flume_wal_ack_seconds_bucket{node="agent",path="sink",kind="wal",le="0.0025"} 0)"),
      std::string(R"(flume_wal_ack_seconds_bucket{node="agent",path="sink",kind="wal",le="0.005"} 30)"),
      std::string(R"(flume_wal_ack_seconds_bucket{node="agent",path="sink",kind="wal",le="3600"} 30)"),
      std::string(R"(flume_wal_ack_seconds_bucket{node="agent",path="sink",kind="wal",le="+Inf"} 40)"),
      "\nflume_wal_ack_seconds_sum" + labels + "40000.5\n",
      "\nflume_wal_ack_seconds_count" + labels + "40\n"};
  for (const std::string& line : lines) {
    EXPECT_THAT(text, testing::HasSubstr(line));
  }
}

TEST_F(StatusApiTest, MeasuresRatesBetweenTwoLooks) {
  static_cast<void>(api_.logical_json());
  clock_.advance(std::chrono::seconds(2));
  nodes_[0].ledger.read = {300, 6000};
  nodes_[0].ledger.delivered = {100, 2000};
  const JsonValue node = parse(api_.logical_json("agent").value_or(""));
  const JsonValue* rates = node.find("rates");
  ASSERT_NE(rates, nullptr);
  EXPECT_DOUBLE_EQ(*rates->number("read_events"), 100);
  EXPECT_DOUBLE_EQ(*rates->number("read_bytes"), 2000);
  EXPECT_DOUBLE_EQ(*rates->number("delivered_events"), 5);
}

TEST_F(StatusApiTest, KeepsTheRateWhenLookedAtTwiceAtOnce) {
  static_cast<void>(api_.logical_json());
  clock_.advance(std::chrono::seconds(1));
  nodes_[0].ledger.read.events += 50;
  const std::string first = api_.logical_json();
  EXPECT_EQ(api_.logical_json(), first);
}

TEST_F(StatusApiTest, SaysWhichMasterItHasAndSinceWhen) {
  master_ = {"m1:35872", "unreachable", 4000, "connect to m1:35872: refused"};
  const JsonValue status = parse(api_.status_json(35862));
  EXPECT_EQ(*status.text("name"), "web1");
  EXPECT_EQ(*status.integer("http_port"), 35862);
  EXPECT_EQ(status.find("master")->to_json(), R"({"address":"m1:35872","state":"unreachable","last_contact_ms":4000,)"
                                              R"("error":"connect to m1:35872: refused"})");
}

TEST_F(StatusApiTest, AnswersTheClassicPaths) {
  const JsonValue reports = parse(api_.reports_json("http://h:1"));
  EXPECT_EQ(reports.find("logicalnodes")->to_json(), R"({"agent":"http://h:1/node/reports/agent"})");
  EXPECT_EQ(*parse(api_.report_json("agent")).integer("dropped.events"), 4);
  EXPECT_EQ(api_.report_json("nobody"), "{}");
}

TEST_F(StatusApiTest, ServesPageAndJsonOverHttp) {
  http::HttpServer server({.host = "127.0.0.1"});
  api_.add_to(server);
  ASSERT_TRUE(server.start().ok());
  EXPECT_GT(server.port(), 0);
  server.stop();
}

TEST(StatusServerOptions, ComeFromTheSettings) {
  Settings settings = Settings::defaults();
  ASSERT_TRUE(settings.set("flume.http.allowed.hosts", "web1.example.org, web1", "test").ok());
  const http::ServerOptions options = status_server_options(settings);
  EXPECT_EQ(options.host, "127.0.0.1");
  EXPECT_EQ(options.port, 35862);
  EXPECT_GT(options.port_tries, 1);
  EXPECT_THAT(options.allowed_names, testing::ElementsAre("web1.example.org", "web1"));
}

}  // namespace
}  // namespace flume::node
