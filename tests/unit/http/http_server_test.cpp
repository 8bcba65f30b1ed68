// The server with real sockets on a free port: what a client sees, byte for byte where it matters.
#include "common/http/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <stdexcept>

#include "common/base/fd.h"
#include "common/base/sync.h"
#include "common/base/text.h"
#include "common/base/thread.h"

namespace flume::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Client {
 public:
  explicit Client(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  bool connected() const { return connected_; }
  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_.fd(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return;
      }
      text.remove_prefix(static_cast<size_t>(sent));
    }
  }
  std::string read_all() {  // until the server closes
    std::string out;
    std::array<char, 4096> buffer;
    ssize_t got;
    while ((got = ::recv(fd_.fd(), buffer.data(), buffer.size(), 0)) > 0) {
      out.append(buffer.data(), static_cast<size_t>(got));
    }
    return out;
  }
  std::string read_until(std::string_view end) {
    std::string out;
    char c;
    while (!out.ends_with(end) && ::recv(fd_.fd(), &c, 1, 0) == 1) {
      out.push_back(c);
    }
    return out;
  }
  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  bool connected_ = false;
};

// A handler that waits until the test lets it go, or its request ends.
class Door {
 public:
  Response wait(const Request& request) FLUME_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    const Wait until{TimePoint::max(), request.stop};
    while (!open_ && changed_.wait(mutex_, until)) {
    }
    ++left_;
    changed_.notify_all();
    return json_response(open_ ? "\"open\"" : "\"stopped\"");
  }
  void open() FLUME_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void await_inside(int n) FLUME_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (inside_ < n) {
      changed_.wait(mutex_, Wait());
    }
  }
  void await_left(int n) FLUME_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (left_ < n) {
      changed_.wait(mutex_, Wait());
    }
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int inside_ FLUME_GUARDED_BY(mutex_) = 0;
  int left_ FLUME_GUARDED_BY(mutex_) = 0;
  bool open_ FLUME_GUARDED_BY(mutex_) = false;
};

class HttpServerTest : public testing::Test {
 protected:
  void start(ServerOptions options = {}) {
    server_ = std::make_unique<HttpServer>(std::move(options));
    server_->route("GET", "/hello/{name}", [](const Request& request) {
      return json_response(str_cat("\"", request.param("name"), " ", request.query_value("q").value_or("-"), "\""));
    });
    server_->route("POST", "/echo", [](const Request& request) { return json_response(request.body); });
    server_->route("GET", "/throws", [](const Request&) -> Response { throw std::runtime_error("secret"); });
    server_->route_waiting("GET", "/wait", [this](const Request& request) { return door_.wait(request); });
    ASSERT_TRUE(server_->start().ok());
  }
  std::string ask(std::string_view head_and_body) {
    Client client(server_->port());
    client.send(head_and_body);
    return client.read_all();
  }
  std::string get(std::string_view path) {
    return ask(str_cat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  }
  std::string post(std::string_view body, std::string_view more = {}) {
    return ask(
        str_cat("POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Flume: 1\r\n"
                "Content-Type: application/json\r\n",
                more, "\r\n", body));
  }

  Door door_;  // before the server: its handlers use it
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersWithParametersAndQuery) {
  start();
  const std::string answer = get("/hello/a%20b?q=1%262");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n\"a b 1&2\""));
}

TEST_F(HttpServerTest, PutsTheSecurityHeadersOnEveryAnswer) {
  start();
  for (const char* path : {"/hello/a", "/nothing", "/throws"}) {
    const std::string answer = get(path);
    EXPECT_THAT(answer, HasSubstr("Content-Security-Policy: default-src 'self'; ")) << path;
    EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff\r\n")) << path;
    EXPECT_THAT(answer, HasSubstr("X-Frame-Options: DENY\r\n")) << path;
  }
}

TEST_F(HttpServerTest, KeepsAConnectionForTheNextRequest) {
  start();
  Client client(server_->port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /hello/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(client.read_until("\"x -\""), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
}

TEST_F(HttpServerTest, AnswersRequestsSentTogetherInOrder) {
  start();
  const std::string answers =
      ask("GET /hello/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
          "GET /hello/2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const size_t first = answers.find("\"1 -\"");
  const size_t second = answers.find("\"2 -\"");
  ASSERT_NE(first, std::string::npos);
  ASSERT_NE(second, std::string::npos);
  EXPECT_LT(first, second);
}

TEST_F(HttpServerTest, NamesWhatIsMissingOrNotAllowed) {
  start();
  EXPECT_THAT(get("/nothing"),
              testing::EndsWith(R"({"error":{"code":"not_found","message":"there is nothing at \"/nothing\""}})"));
  const std::string answer = get("/echo");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(answer, HasSubstr("Allow: POST\r\n"));
}

TEST_F(HttpServerTest, AnswersAThrowingHandlerWithoutItsWords) {
  start();
  const std::string answer = get("/throws");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, testing::Not(HasSubstr("secret")));
}

TEST_F(HttpServerTest, TakesABodyUpToTheLimitAndNotAByteMore) {
  start({.max_body = 100});
  const std::string fits(100, 'x');
  EXPECT_THAT(post(fits, "Content-Length: 100\r\n"), testing::EndsWith("\r\n\r\n" + fits));
  EXPECT_THAT(post(fits + "x", "Content-Length: 101\r\n"), StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, CountsChunkedBodiesToo) {
  start({.max_body = 100});
  const std::string chunk = "32\r\n" + std::string(50, 'x') + "\r\n";
  EXPECT_THAT(post(chunk + chunk + "0\r\n\r\n", "Transfer-Encoding: chunked\r\n"),
              testing::EndsWith("\r\n\r\n" + std::string(100, 'x')));
  EXPECT_THAT(post(chunk + chunk + "1\r\nx\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n"),
              StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, EndsAChunkedBodyThatNeverEnds) {
  start({.max_body = 1000});
  std::string body;
  for (int i = 0; i < 200000; ++i) {
    body += "1\r\nx\r\n";
  }
  EXPECT_THAT(post(body, "Transfer-Encoding: chunked\r\n"), StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, RefusesABodyThatIsNotJson) {
  start();
  const std::string answer =
      ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nX-Flume: 1\r\nContent-Type: text/plain\r\nContent-Length: "
          "2\r\n\r\n{}");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 415 "));
}

TEST_F(HttpServerTest, RefusesFramingThatCouldBeReadInTwoWays) {
  start();
  for (const char* more :
       {"Content-Length: 2\r\nContent-Length: 3\r\n", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Content-Length: -1\r\n"}) {
    EXPECT_THAT(post("{}", more), StartsWith("HTTP/1.1 400 ")) << more;
  }
  EXPECT_THAT(post("", ""), StartsWith("HTTP/1.1 411 "));
}

TEST_F(HttpServerTest, RefusesForeignRequestsBeforeTheBody) {
  start();
  const std::string answer = ask(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(answer, HasSubstr("the header X-Flume: 1 is needed"));
}

TEST_F(HttpServerTest, EndsAHeadThatNeverEnds) {
  start({.max_head = 20000});
  std::string head = "GET /hello/x HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 10000; ++i) {
    str_append(head, "X-", i, ": y\r\n");
  }
  EXPECT_THAT(ask(head), StartsWith("HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, RefusesWhatIsNoRequest) {
  start();
  EXPECT_THAT(ask("\x16\x03\x01 garbage\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, ClosesAHalfRequestAtItsDeadline) {
  start({.request_timeout = std::chrono::milliseconds(50)});
  Client client(server_->port());
  client.send("GET /hello/x HTTP/1.1\r\nHost:");
  EXPECT_THAT(client.read_all(), testing::AnyOf("", StartsWith("HTTP/1.1 400 ")));
}

TEST_F(HttpServerTest, IdleConnectionsTakeNoWorker) {
  start({.max_workers = 1});
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 20; ++i) {
    idle.push_back(std::make_unique<Client>(server_->port()));
    ASSERT_TRUE(idle.back()->connected());
  }
  EXPECT_THAT(get("/hello/x"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, HoldsAPollUntilItsHandlerAnswers) {
  start();
  Client client(server_->port());
  client.send("GET /wait HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  door_.await_inside(1);
  door_.open();
  EXPECT_THAT(client.read_all(), testing::EndsWith("\"open\""));
}

TEST_F(HttpServerTest, AnswersOnePollTooManyAtOnce) {
  start({.max_workers = 4, .max_waiting = 2});
  Client one(server_->port());
  Client two(server_->port());
  one.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
  two.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
  door_.await_inside(2);
  const std::string answer = get("/wait");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 2\r\n"));
  EXPECT_THAT(answer, HasSubstr("\"retry_ms\":2000"));
  EXPECT_THAT(get("/hello/x"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, EndsThePollOfAClientThatHasGone) {
  start({.max_waiting = 1});
  Client client(server_->port());
  client.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
  door_.await_inside(1);
  client.close();
  door_.await_left(1);
}

TEST_F(HttpServerTest, StopEndsWaitingPolls) {
  start({.max_waiting = 1});
  Client client(server_->port());
  client.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
  door_.await_inside(1);
  server_->stop();
  door_.await_left(1);
}

TEST_F(HttpServerTest, StopsTwiceAndRefusesAfterwards) {
  start();
  const uint16_t port = server_->port();
  server_->stop();
  server_->stop();
  EXPECT_FALSE(Client(port).connected());
}

TEST_F(HttpServerTest, SearchesForAFreePort) {
  start();
  HttpServer second({.port = server_->port(), .port_tries = 50});
  ASSERT_TRUE(second.start().ok());
  EXPECT_GT(second.port(), server_->port());
  HttpServer third({.port = server_->port(), .port_tries = 1});
  const Status status = third.start();
  EXPECT_EQ(status.code(), Code::kBusy);
  EXPECT_EQ(status.message(),
            str_cat("listen on 127.0.0.1:", server_->port(), ": Address already in use (EADDRINUSE)"));
}

TEST_F(HttpServerTest, ServesAssetsAndTheirHeadAlone) {
  const std::array<Asset, 1> assets{Asset{"/", "text/html; charset=utf-8", "<!doctype html>", "\"e\""}};
  server_ = std::make_unique<HttpServer>(ServerOptions{});
  server_->serve(assets);
  ASSERT_TRUE(server_->start().ok());
  EXPECT_THAT(get("/"), testing::AllOf(HasSubstr("ETag: \"e\"\r\n"), testing::EndsWith("<!doctype html>")));
  const std::string head = ask("HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(head, testing::AllOf(HasSubstr("Content-Length: 15\r\n"), testing::EndsWith("\r\n\r\n")));
}

}  // namespace
}  // namespace flume::http
