// The API over real sockets, on a master without its services: answers as docs/api.md describes them.
#include "master/http/api.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

#include "common/base/fd.h"
#include "common/base/thread.h"
#include "tests/support/master_world.h"

namespace flume::master {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Answer {
  int status = 0;
  std::string head;
  std::string text;
  JsonValue body;

  // The member at "nodes.0.name"; a null value when there is none.
  JsonValue at(std::string_view path) const {
    const JsonValue* value = &body;
    for (const std::string_view part : split(path, '.')) {
      const auto index = parse_number<size_t>(part);
      if (index && value->is_array()) {
        value = *index < value->array()->size() ? &(*value->array())[*index] : nullptr;
      } else {
        value = value->find(part);
      }
      if (value == nullptr) {
        return JsonValue();
      }
    }
    return *value;
  }
  std::string json(std::string_view path) const { return at(path).to_json(); }
};

class ApiTest : public testing::Test {
 protected:
  ApiTest()
      : api_({world_.wanted, world_.nodes, world_.commands, world_.checker, world_.changes, world_.clock, "m1",
              "default-flow", 0, "memory", to_hex(world_.store->store_id()),
              [this] {
                return Ports{server_.port(), 2, 3};
              }}),
        server_(options()) {
    api_.add_to(server_);
    EXPECT_TRUE(server_.start().ok());
  }
  ~ApiTest() override { server_.stop(); }

  static http::ServerOptions options() {
    http::ServerOptions options;
    options.max_workers = 4;
    options.max_waiting = 2;
    return options;
  }

  Answer ask(const std::string& method, const std::string& path, const std::string& body = "",
             const std::string& headers = "X-Flume: 1\r\n") {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    std::string request = str_cat(method, " ", path, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", headers);
    if (method == "POST" || method == "PUT") {
      str_append(request, "Content-Type: application/json\r\nContent-Length: ", body.size(), "\r\n");
    }
    str_append(request, "\r\n", body);
    EXPECT_EQ(::send(fd.fd(), request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
    std::string all;
    std::array<char, 4096> buffer;
    ssize_t got = 0;
    while ((got = ::recv(fd.fd(), buffer.data(), buffer.size(), 0)) > 0) {
      all.append(buffer.data(), static_cast<size_t>(got));
    }
    Answer answer;
    const size_t end = all.find("\r\n\r\n");
    if (all.size() < 12 || end == std::string::npos) {
      ADD_FAILURE() << "no answer to " << method << " " << path;
      return answer;
    }
    answer.status = parse_number<int>(std::string_view(all).substr(9, 3)).value_or(0);
    answer.head = all.substr(0, end);
    answer.text = all.substr(end + 4);
    if (auto parsed = JsonValue::parse(answer.text); parsed.ok()) {
      answer.body = std::move(*parsed);
    }
    return answer;
  }
  Answer get(const std::string& path) { return ask("GET", path); }

  MasterWorld world_;
  Api api_;
  http::HttpServer server_;
};

TEST_F(ApiTest, StatusSaysWhatTheMasterIs) {
  const Answer answer = get("/api/v1/status");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json("product"), "\"flume\"");
  EXPECT_EQ(answer.json("api"), "1");
  EXPECT_EQ(answer.json("store.kind"), "\"memory\"");
  EXPECT_EQ(answer.json("ports.node"), "2");
  EXPECT_EQ(answer.json("masters"), R"([{"server_id":0,"host":"m1","self":true,"live":true}])");
  EXPECT_EQ(answer.json("nodes"), R"({"physical":0,"logical":0,"states":{}})");
}

TEST_F(ApiTest, PutStoresAndShowsTheTranslatedText) {
  const Answer put = ask("PUT", "/api/v1/configs/a", R"j({"source":"text(\"f\")","sink":"console"})j");
  EXPECT_EQ(put.status, 200) << put.text;
  EXPECT_EQ(put.text, R"({"id":0,"state":"SUCCEEDED","message":"","revision":1,"diagnostics":[]})");
  const Answer config = get("/api/v1/configs/a");
  EXPECT_EQ(config.json("config"),
            R"j({"name":"a","flow":"default-flow","source":"text(\"f\")","sink":"console",)j"
            R"j("translated":{"source":"text( \"f\" )","sink":"console"},"revision":1,"physical":"",)j"
            R"j("who":"web 127.0.0.1","when_ms":1700000000000,"why":"config","diagnostics":[]})j");
  EXPECT_EQ(get("/api/v1/configs").json("configs.0"), config.json("config"));
  EXPECT_EQ(get("/api/v1/nodes").json("logical.0.state"), "\"IDLE\"");
}

TEST_F(ApiTest, ABadSpecificationIs422WithItsPlaces) {
  const Answer answer = ask("PUT", "/api/v1/configs/a", R"({"source":"null","sink":"  consle"})");
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.json("error.code"), "\"invalid_spec\"");
  EXPECT_EQ(answer.json("error.diagnostics.0.field"), "\"sink\"");
  EXPECT_EQ(answer.json("error.diagnostics.0.column"), "3");
  EXPECT_EQ(answer.json("error.diagnostics.0.suggestion"), "\"console\"");
  EXPECT_TRUE(world_.view()->configs.empty());
  EXPECT_EQ(ask("POST", "/api/v1/commands", R"({"command":"multiconfig","args":["a : null | nosuch;"]})").status, 422);
}

TEST_F(ApiTest, IfRevisionThatDoesNotMatchIs409) {
  const std::string body = R"({"source":"null","sink":"null","if_revision":0})";
  EXPECT_EQ(ask("PUT", "/api/v1/configs/a", body).status, 200);
  const Answer again = ask("PUT", "/api/v1/configs/a", body);
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.json("error.message"), "\"configuration of 'a': expected revision 0, it has 1\"");
}

TEST_F(ApiTest, DeleteIsUnconfig) {
  EXPECT_EQ(ask("DELETE", "/api/v1/configs/a").status, 404);
  world_.run("config", {"a", "console", "console"});
  EXPECT_EQ(ask("DELETE", "/api/v1/configs/a").json("state"), "\"SUCCEEDED\"");
  EXPECT_EQ(get("/api/v1/configs/a").json("config.sink"), "\"null\"");
}

TEST_F(ApiTest, AFailedCommandIsAnAnswerAndAWrongOneIsNot) {
  const Answer failed = ask("POST", "/api/v1/commands", R"({"command":"unmap","args":["p","a"]})");
  EXPECT_EQ(failed.status, 200);
  EXPECT_EQ(failed.text,
            R"({"id":0,"state":"FAILED","message":"Unable to unmap logical node 'a' from physical node 'p': it is )"
            R"(mapped nowhere","revision":null,"diagnostics":[]})");
  const Answer unknown = ask("POST", "/api/v1/commands", R"({"command":"confg","args":[]})");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(unknown.json("error.message"), "\"unknown command 'confg'; did you mean 'config'?\"");
  EXPECT_EQ(ask("POST", "/api/v1/commands", R"({"command":"unmap","args":["p"]})").status, 400);
}

TEST_F(ApiTest, ACommandThatTakesLongerIsAskedForLater) {
  const Answer slow = ask("POST", "/api/v1/commands", R"({"command":"noop","args":["3600000"],"wait_ms":0})");
  EXPECT_EQ(slow.status, 200);
  EXPECT_THAT(slow.json("state"), testing::AnyOf("\"QUEUED\"", "\"EXECING\""));
  world_.commands.stop();
  EXPECT_EQ(get("/api/v1/commands/0").json("message"), "\"stopped\"");
  EXPECT_EQ(get("/api/v1/commands/1").status, 404);
}

TEST_F(ApiTest, BodiesThatAreNotAsDescribedAreRefusedWithTheReason) {
  const auto message = [&](const std::string& path, const std::string& body) {
    const Answer answer = ask("POST", path, body);
    EXPECT_EQ(answer.status, 400) << body;
    return answer.json("error.message");
  };
  EXPECT_THAT(message("/api/v1/commands", "{"), StartsWith("\"body: "));
  EXPECT_EQ(message("/api/v1/commands", "[]"), "\"body: expected an object, not an array\"");
  EXPECT_EQ(message("/api/v1/commands", "{}"), R"("\"command\" is missing")");
  EXPECT_EQ(message("/api/v1/commands", R"({"command":"noop","args":"x"})"),
            R"("\"args\": expected an array, not a text")");
  EXPECT_EQ(message("/api/v1/commands", R"({"command":"noop","args":[],"wait_ms":30001})"),
            R"("\"wait_ms\": expected a number from 0 to 30000")");
  EXPECT_EQ(message("/api/v1/check", R"({"source":"null"})"), R"("\"sink\" is missing")");
  EXPECT_EQ(message("/api/v1/complete", R"({"field":"flow","text":"","offset":0})"),
            R"("\"field\": expected source, sink or text, not \"flow\"")");
  EXPECT_EQ(get("/api/v1/commands?limit=0").json("error.message"), "\"limit=0: expected a number from 1 to 200\"");
}

TEST_F(ApiTest, CommandsPageBackwards) {
  for (int i = 0; i < 3; ++i) {
    world_.run("noop", {});
  }
  const Answer first = get("/api/v1/commands?limit=2");
  EXPECT_EQ(first.json("commands.0.id"), "2");
  EXPECT_EQ(first.json("next_before"), "1");
  const Answer rest = get("/api/v1/commands?limit=2&before=1");
  EXPECT_EQ(rest.json("commands.0.id"), "0");
  EXPECT_EQ(rest.json("next_before"), "null");
}

TEST_F(ApiTest, CheckStoresNothingAndAnswersCanonicalText) {
  const Answer good = ask("POST", "/api/v1/check", R"j({"text":"a:text(\"f\")|[console,null];"})j");
  EXPECT_EQ(
      good.text,
      R"j({"ok":true,"diagnostics":[],"nodes":[{"name":"a","source":"text( \"f\" )","sink":"[ console, null ]"}]})j");
  const Answer bad = ask("POST", "/api/v1/check", R"({"node":"a","source":"nll","sink":"null"})");
  EXPECT_EQ(bad.status, 200);
  EXPECT_EQ(bad.json("ok"), "false");
  EXPECT_EQ(bad.json("nodes"), "[]");
  EXPECT_TRUE(world_.view()->configs.empty());
}

TEST_F(ApiTest, CompletionKnowsCatalogueAndNodes) {
  world_.run("config", {"collector1", "null", "null"});
  const Answer sink = ask("POST", "/api/v1/complete", R"({"field":"sink","text":"[ con","offset":5})");
  EXPECT_EQ(sink.json("from"), "2");
  EXPECT_EQ(sink.json("items.0.label"), "\"console\"");
  const Answer node = ask("POST", "/api/v1/complete", R"({"field":"text","text":"co","offset":2})");
  EXPECT_EQ(node.json("items.0.insert"), "\"collector1\"");
}

TEST_F(ApiTest, NodesShowReportsAndTheLedgerSumsThem) {
  world_.run("config", {"p", "null", "console"});
  const Revision revision = world_.view()->configs.at("p").modified;
  LogicalReport report = logical("p", StateCode::kBackoff, revision);
  report.error = "disk full";
  report.error_millis = 5;
  report.next_try_millis = 9;
  report.counters["flume_x_total"] = 3;
  report.promise = R"({"delivery":"exactly_once","sinks":[]})";
  report.logs = R"([{"kind":"wal","rows":7}])";
  report.ledger = {{"read.events", 5}, {"delivered.events", 4}, {"dropped.full.events", 1}};
  world_.report("p", "h1", {report});
  world_.keep_house();
  const Answer nodes = get("/api/v1/nodes");
  EXPECT_EQ(nodes.json("physical.0.state"), "\"ACTIVE\"");
  EXPECT_EQ(nodes.json("physical.0.logical"), R"(["p"])");
  EXPECT_EQ(nodes.json("logical.0.state"), "\"BACKOFF\"");
  EXPECT_EQ(nodes.json("logical.0.error"), "\"disk full\"");
  EXPECT_EQ(nodes.json("logical.0.next_try_ms"), "9");
  EXPECT_EQ(nodes.json("logical.0.counters"), R"({"flume_x_total":3})");
  EXPECT_EQ(nodes.json("logical.0.promise.delivery"), "\"exactly_once\"");
  EXPECT_EQ(nodes.json("logical.0.logs.0.rows"), "7");
  EXPECT_EQ(nodes.json("logical.0.revision"), nodes.json("logical.0.wanted_revision"));
  EXPECT_EQ(get("/api/v1/nodes/p").json("node"), nodes.json("logical.0"));
  EXPECT_EQ(get("/api/v1/nodes/x").json("error.message"), R"("there is no logical node \"x\"")");
  const Answer ledger = get("/api/v1/ledger");
  EXPECT_EQ(ledger.json("flows.0.flow"), "\"default-flow\"");
  EXPECT_EQ(ledger.json("flows.0.ledger.dropped.reasons"), R"({"full":{"events":1,"bytes":0}})");
  EXPECT_EQ(ledger.json("flows.0.ledger.balanced"), "true");
  EXPECT_EQ(ledger.json("flows.0.nodes.0.name"), "\"p\"");
  EXPECT_EQ(get("/api/v1/mappings").json("mappings"), R"([{"physical":"p","logical":["p"]}])");

  const Answer metrics = get("/metrics");
  EXPECT_THAT(metrics.head, HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(metrics.text, HasSubstr("flume_flow_read_events_total{flow=\"default-flow\"} 5\n"));
  EXPECT_THAT(metrics.text, HasSubstr("flume_flow_dropped_events_total{flow=\"default-flow\",reason=\"full\"} 1\n"));
  EXPECT_THAT(metrics.text, HasSubstr("flume_master_logical_nodes{state=\"BACKOFF\"} 1\n"));
}

TEST_F(ApiTest, ChangesWaitAndSayWhat) {
  const Answer first = get("/api/v1/changes?wait_ms=0");
  EXPECT_EQ(first.json("what"), R"(["configs","nodes","commands","mappings"])");
  const std::string since = first.at("change").as_text().value();
  EXPECT_EQ(get("/api/v1/changes?wait_ms=1&since=" + since).json("what"), "[]");
  Answer news;
  Thread poll("poll", [&] { news = get("/api/v1/changes?wait_ms=30000&since=" + since); });
  world_.run("map", {"p", "a"});
  poll.join();
  EXPECT_NE(news.json("what"), "[]");
  EXPECT_EQ(get("/api/v1/changes?wait_ms=30001").status, 400);
}

TEST_F(ApiTest, TheCatalogueHasATag) {
  const Answer whole = get("/api/v1/catalog");
  EXPECT_EQ(whole.text, test_catalog().to_json());
  const size_t at = whole.head.find("ETag: ") + 6;
  const std::string tag = whole.head.substr(at, whole.head.find("\r\n", at) - at);
  EXPECT_EQ(ask("GET", "/api/v1/catalog", "", str_cat("If-None-Match: ", tag, "\r\n")).status, 304);
}

TEST_F(ApiTest, ClassicPathsAnswerAsTheClassicSystem) {
  world_.run("config", {"p", "null", "text(\"/f\")"});
  LogicalReport report = logical("p", StateCode::kBlocked, 1);
  world_.report("p", "h1", {report});
  world_.keep_house();
  EXPECT_EQ(get("/master/status").text,
            R"({"p":{"host":"h1","lastseen":1700000000000,"version":1,"physicalNode":"p","state":"ACTIVE"}})");
  EXPECT_EQ(get("/master/status/p").json("state"), "\"ACTIVE\"");
  EXPECT_EQ(get("/master/status/x").status, 404);
  EXPECT_EQ(get("/master/configs").json("configs.p"),
            R"j({"flowID":"default-flow","sourceConfig":"null","sourceVersion":1,"sinkConfig":"text(\"/f\")",)j"
            R"j("sinkVersion":1,"timestamp":1700000000000})j");
  EXPECT_EQ(get("/master/configs").json("translatedConfigs.p.sinkConfig"), R"j("text( \"/f\" )")j");
  EXPECT_EQ(get("/master/configs/p").json("sinkVersion"), "\"1\"");
  EXPECT_EQ(get("/master/commands").text,
            R"j({"0":{"cmd":"config [p, null, text(\"/f\")]","cmdId":0,"curState":"SUCCEEDED","message":""}})j");
  EXPECT_EQ(get("/master/commands/0").json("curState"), "\"SUCCEEDED\"");
  const Answer master = get("/master");
  EXPECT_EQ(master.json("nodes_reporting_count"), "1");
  EXPECT_EQ(master.json("statusLink"), "\"http://localhost/master/status\"");
}

TEST_F(ApiTest, RequestsOfOtherSitesAreRefused) {
  const std::string body = R"({"source":"null","sink":"null"})";
  EXPECT_EQ(ask("PUT", "/api/v1/configs/a", body, "").status, 403);
  EXPECT_EQ(ask("PUT", "/api/v1/configs/a", body, "X-Flume: 1\r\nOrigin: http://evil.example\r\n").status, 403);
  EXPECT_TRUE(world_.view()->configs.empty());
}

TEST_F(ApiTest, ThePageIsServed) {
  const Answer page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.head, HasSubstr("text/html"));
  EXPECT_EQ(get("/app.js").status, 200);
  EXPECT_EQ(get("/nothing.js").status, 404);
}

TEST_F(ApiTest, EveryCallOfTheSchemaIsInTheTable) {
  const Answer schema = get("/api/v1/commands/schema");
  EXPECT_EQ(schema.text, command_schema_json());
  EXPECT_EQ(schema.at("commands").array()->size(), command_table().size());
}

}  // namespace
}  // namespace flume::master
