#include "common/http/guard.h"

#include <gtest/gtest.h>

namespace flume::http {
namespace {

const std::vector<std::string> kNames = {"Collector.Example.org"};

Request get(std::string host) {
  Request request;
  request.method = "GET";
  request.path = "/api/v1/status";
  request.headers["host"] = std::move(host);
  return request;
}

TEST(HostAllowed, TakesAddressesAndLocalhostWithOrWithoutPort) {
  for (const char* host :
       {"127.0.0.1", "127.0.0.1:35871", "[::1]", "[::1]:80", "localhost", "LocalHost:1", "10.1.2.3"}) {
    EXPECT_TRUE(host_allowed(host, {})) << host;
  }
}

TEST(HostAllowed, TakesOtherNamesOnlyWhenListed) {
  EXPECT_FALSE(host_allowed("evil.example.org", kNames));
  EXPECT_TRUE(host_allowed("collector.example.org:35871", kNames));
  EXPECT_FALSE(host_allowed("xcollector.example.org", kNames));
}

TEST(HostAllowed, RefusesWhatIsNoHost) {
  for (const char* host :
       {"", ":80", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:80:80", "[::1", "127.0.0.1.evil.org"}) {
    EXPECT_FALSE(host_allowed(host, {})) << host;
  }
}

TEST(RefuseForeign, LetsTheOwnPageRead) {
  Request request = get("127.0.0.1:35871");
  request.headers["origin"] = "http://127.0.0.1:35871";
  request.headers["sec-fetch-site"] = "same-origin";
  EXPECT_FALSE(refuse_foreign(request, {}).has_value());
}

TEST(RefuseForeign, RefusesAForeignNameThatPointsHere) {
  const auto refusal = refuse_foreign(get("evil.example.org"), kNames);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->status, 403);
  EXPECT_EQ(
      refusal->body,
      R"({"error":{"code":"cross_site","message":"this server does not answer for the host \"evil.example.org\"; )"
      R"(add the name to flume.http.allowed.hosts if it should"}})");
}

TEST(RefuseForeign, RefusesAnotherOrigin) {
  Request request = get("localhost:1");
  request.headers["origin"] = "http://localhost:2";
  EXPECT_TRUE(refuse_foreign(request, {}).has_value());
  request.headers["origin"] = "null";
  EXPECT_TRUE(refuse_foreign(request, {}).has_value());
}

TEST(RefuseForeign, RefusesAnotherSitesFetchOfTheApiButNotALinkToThePage) {
  Request request = get("localhost:1");
  request.headers["sec-fetch-site"] = "cross-site";
  EXPECT_TRUE(refuse_foreign(request, {}).has_value());
  request.path = "/";
  EXPECT_FALSE(refuse_foreign(request, {}).has_value());
}

TEST(RefuseForeign, WantsTheHeaderBeforeItChangesAnything) {
  for (const char* method : {"POST", "PUT", "DELETE"}) {
    Request request = get("localhost:1");
    request.method = method;
    EXPECT_TRUE(refuse_foreign(request, {}).has_value()) << method;
    request.headers["x-flume"] = "1";
    EXPECT_FALSE(refuse_foreign(request, {}).has_value()) << method;
  }
}

}  // namespace
}  // namespace flume::http
