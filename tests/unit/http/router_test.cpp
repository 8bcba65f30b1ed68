#include "common/http/router.h"

#include <gtest/gtest.h>

namespace flume::http {
namespace {

Handler says(std::string text) {
  return [text = std::move(text)](const Request&) { return json_response(text); };
}

class RouterTest : public testing::Test {
 protected:
  std::string ask(std::string method, std::string path) {
    request_ = {};
    request_.method = std::move(method);
    request_.path = std::move(path);
    const Route* route = router_.find(request_);
    return route == nullptr ? "none" : route->handler(request_).body;
  }

  Router router_;
  Request request_;
};

TEST_F(RouterTest, DecodesParametersAfterCuttingThePath) {
  router_.add("GET", "/api/v1/configs/{name}", says("one"));
  EXPECT_EQ(ask("GET", "/api/v1/configs/a%2Fb%20c"), "one");
  EXPECT_EQ(request_.param("name"), "a/b c");
  EXPECT_EQ(ask("GET", "/api/v1/configs/a/b"), "none");
  EXPECT_EQ(ask("GET", "/api/v1/configs/"), "none");
}

TEST_F(RouterTest, PrefersWordsToParameters) {
  router_.add("GET", "/commands/{id}", says("id"));
  router_.add("GET", "/commands/schema", says("schema"));
  EXPECT_EQ(ask("GET", "/commands/schema"), "schema");
  EXPECT_EQ(ask("GET", "/commands/7"), "id");
}

TEST_F(RouterTest, TellsTheMethodsOfAPath) {
  router_.add("PUT", "/configs/{name}", says("put"));
  router_.add("DELETE", "/configs/{name}", says("delete"));
  EXPECT_EQ(router_.methods("/configs/a"), "DELETE, PUT");
  EXPECT_EQ(router_.methods("/elsewhere"), "");
  EXPECT_EQ(ask("GET", "/configs/a"), "none");
}

TEST_F(RouterTest, AnswersAKnownEtagWithoutTheBytes) {
  const Asset asset{"/", "text/html; charset=utf-8", "<p>", "\"1\""};
  router_.add(std::span(&asset, 1));
  request_ = {};
  request_.method = "GET";
  request_.path = "/";
  const Route* route = router_.find(request_);
  ASSERT_NE(route, nullptr);
  EXPECT_EQ(route->handler(request_).body, "<p>");
  request_.headers["if-none-match"] = "\"1\"";
  EXPECT_EQ(route->handler(request_).status, 304);
  EXPECT_EQ(route->handler(request_).body, "");
}

TEST(PercentDecode, LeavesBrokenEscapes) {
  EXPECT_EQ(percent_decode("%41%zz%4"), "A%zz%4");
  EXPECT_EQ(percent_decode("a+b%00c"), std::string("a+b\0c", 5));
}

}  // namespace
}  // namespace flume::http
