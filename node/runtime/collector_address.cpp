#include "node/runtime/collector_address.h"

namespace flume::node {

namespace {

constexpr char kHost[] = "host";
constexpr char kPort[] = "port";

}  // namespace

std::vector<lang::ArgSpec> collector_arguments() {
  return {{.name = kHost,
           .doc = "The collector's host name or address.",
           .default_text = "\"localhost\"",
           .setting = "flume.collector.event.host",
           .type = lang::ArgType::kText},
          {.name = kPort,
           .doc = "The collector's port.",
           .default_text = "35853",
           .setting = "flume.collector.event.port",
           .type = lang::ArgType::kPort}};
}

HostPort collector_of(const lang::Args& args) { return {args.text(kHost), static_cast<uint16_t>(args.integer(kPort))}; }

}  // namespace flume::node
