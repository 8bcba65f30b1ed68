#include "node/runtime/chain_plan.h"

#include <memory>
#include <utility>

#include "common/base/check.h"
#include "common/base/text.h"

namespace flume::node {

namespace {

constexpr char kHosts[] = "host";
constexpr char kPort[] = "port";

}  // namespace

std::vector<lang::ArgSpec> chain_arguments() {
  return {{.name = kHosts,
           .doc = "Collectors in order of preference: \"host\" or \"host:port\", as many as there are.",
           .type = lang::ArgType::kHostPort,
           .required = true,
           .repeated = true},
          {.name = kPort,
           .doc = "Port of those that are given without one.",
           .default_text = "35853",
           .setting = "flume.collector.event.port",
           .type = lang::ArgType::kPort,
           .keyword_only = true}};
}

std::vector<HostPort> chain_hosts(const lang::Args& args) {
  std::vector<HostPort> hosts;
  for (const std::string& text : args.texts(kHosts)) {
    auto host = parse_host_port(text, static_cast<uint16_t>(args.integer(kPort)));
    FLUME_CHECK(host, text);
    hosts.push_back(std::move(*host));
  }
  return hosts;
}

lang::PlanPtr host_plan(const std::string& sink, const HostPort& host, std::string path) {
  auto plan = std::make_shared<lang::Plan>();
  plan->kind = lang::Plan::Kind::kSink;
  plan->name = sink;
  plan->path = std::move(path);
  plan->args.set("host", {host.host}, true);
  plan->args.set("port", {int64_t{host.port}}, true);
  plan->args.set("compression", {std::string("none")}, false);  // done once, above the failover
  return plan;
}

lang::PlanPtr chain_plan(const std::string& path, const std::vector<HostPort>& hosts, const MakeHostPlan& make) {
  auto plan = std::make_shared<lang::Plan>();
  plan->kind = lang::Plan::Kind::kFailover;
  plan->path = path;
  for (size_t i = 0; i < hosts.size(); ++i) {
    plan->children.push_back(make(hosts[i], str_cat(path, ".failover.", i)));
  }
  return plan;
}

}  // namespace flume::node
