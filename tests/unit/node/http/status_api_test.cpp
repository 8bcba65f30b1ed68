#include "node/http/status_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
      R"("dropped":{"events":4,"bytes":80,"reasons":{"unconfirmed":{"events":4,"bytes":80}}},"balanced":true},)"
      R"("counters":{"flume_tail_reopened_total":3}})");
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
