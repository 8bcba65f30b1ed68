#include "master/config/schema.h"

#include <gtest/gtest.h>

namespace flume::master {
namespace {

TEST(Schema, NamesComeBackFromTheirKeys) {
  for (const std::string name : {"a", "web-1.example.com", ".hidden", "end.", "a/b", "%41", "\xff\x00z", "é"}) {
    const std::string encoded = encode_name(name);
    EXPECT_EQ(encoded.find('/'), std::string::npos);
    EXPECT_EQ(decode_name(encoded), name);
  }
  EXPECT_EQ(encode_name("web-1.example_x"), "web-1.example_x");
  EXPECT_EQ(encode_name(".a."), "%2ea%2e");
  EXPECT_EQ(decode_name("a%4"), std::nullopt);
  EXPECT_EQ(decode_name("a%zz"), std::nullopt);
}

TEST(Schema, KeysAreThoseOfTheStore) {
  EXPECT_EQ(config_key("a"), "nodes/a/config");
  EXPECT_EQ(place_key("a"), "nodes/a/place");
  EXPECT_EQ(host_key("p"), "hosts/p");
  EXPECT_EQ(port_key("h", "a"), "ports/h/a");
  EXPECT_EQ(removed_key("p", "a"), "removed/p/a");
  EXPECT_EQ(history_key(7), "history/00000000000000000007");
}

TEST(Schema, ARewrittenValueKeepsFieldsOfALaterVersion) {
  NodeConfig config;
  config.flow = "f";
  config.source = "null";
  config.sink = "console";
  const std::string before = R"({"v":1,"flow":"x","source":"s","sink":"t","colour":"green"})";
  const std::string after = encode_config(config, before);
  EXPECT_EQ(
      after,
      R"({"v":1,"flow":"f","source":"null","sink":"console","colour":"green","refresh":0,"who":"","when":0,"why":""})");
  EXPECT_EQ(decode_config(after)->sink, "console");
}

TEST(Schema, WhatCannotBeReadIsNamed) {
  EXPECT_EQ(decode_config("[]").status().message(), "expected an object, not an array");
  EXPECT_EQ(decode_config("{\"flow\":\"f\"}").status().message(), "\"source\" is missing");
  EXPECT_EQ(decode_port("{\"port\":0}").status().message(), "\"port\": 0 is not a port");
  EXPECT_EQ(decode_port("{\"port\":\"80\"}").status().message(), "\"port\": expected an integer, not a text");
}

TEST(Schema, HostsComeBack) {
  const HostRecord host{"00ff", "web1", {"10.0.0.7", "::1"}, false, 17};
  const HostRecord back = decode_host(encode_host(host)).value();
  EXPECT_EQ(back.node_id, "00ff");
  EXPECT_EQ(back.host, "web1");
  EXPECT_EQ(back.addresses, host.addresses);
  EXPECT_FALSE(back.is_live);
  EXPECT_EQ(back.since_millis, 17);
}

}  // namespace
}  // namespace flume::master
