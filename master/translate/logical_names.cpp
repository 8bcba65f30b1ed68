#include "master/translate/logical_names.h"

#include <optional>

#include "common/base/text.h"
#include "dataflow-lang/printer.h"
#include "dataflow-lang/rewrite.h"

namespace flume::master {

namespace {

lang::Argument text_argument(std::string_view text) {
  lang::Argument argument;
  argument.kind = lang::Argument::Kind::kString;
  argument.text = lang::string_literal(text);
  return argument;
}

lang::Argument number_argument(uint16_t number) {
  lang::Argument argument;
  argument.kind = lang::Argument::Kind::kDecimal;
  argument.text = str_cat(number);
  return argument;
}

lang::Call call(std::string_view name, std::vector<lang::Argument> args) {
  lang::Call out;
  out.name = name;
  out.args = std::move(args);
  return out;
}

struct Address {
  std::string host;
  uint16_t port = 0;
};

// Where the logical source of a node listens; kNotFound with the reason when that is not known yet.
Result<Address> address_of(const View& view, const std::string& logical) {
  const std::string physical = view.physical_of(logical);
  if (physical.empty()) {
    return Status(Code::kNotFound, str_cat("logical node '", logical, "' is mapped to no physical node yet"));
  }
  const auto host = view.hosts.find(physical);
  if (host == view.hosts.end()) {
    return Status(Code::kNotFound, str_cat("physical node '", physical, "', which carries '", logical,
                                           "', has not reported its host yet"));
  }
  const auto port = view.ports.find({host->second.value.host, logical});
  if (port == view.ports.end()) {
    return Status(Code::kNotFound, str_cat("logical node '", logical, "' has no logicalSource"));
  }
  return Address{host->second.value.host, port->second.value};
}

// The node that a logicalSink names; nothing when its argument is no text.
std::optional<std::string> target_of(const lang::Call& sink) {
  if (sink.args.size() != 1 || sink.args[0].kind != lang::Argument::Kind::kString || sink.args[0].text.size() < 2) {
    return std::nullopt;
  }
  return sink.args[0].text.substr(1, sink.args[0].text.size() - 2);  // node names need no escapes
}

}  // namespace

void translate_logical_names(const View& view, NodeTree& node) {
  if (node.source.name == kLogicalSource) {
    const auto address = address_of(view, node.name);
    if (address.ok()) {
      node.source = call("rpcSource", {number_argument(address->port)});
    } else {
      node.problems.emplace_back(address.status().message());
      node.source = call("null", {});  // there is no source that fails
    }
  }
  node.sink = lang::replace_sinks(node.sink, [&](const lang::Call& sink) -> std::optional<lang::SinkTree> {
    if (sink.name != kLogicalSink) {
      return std::nullopt;
    }
    lang::SinkTree out;
    const auto target = target_of(sink);
    const auto address =
        target ? address_of(view, *target) : Result<Address>(invalid("logicalSink takes the name of a logical node"));
    if (address.ok()) {
      out.call = call("rpcSink", {text_argument(address->host), number_argument(address->port)});
    } else {
      node.problems.push_back(str_cat(lang::print(sink), ": ", address.status().message()));
      out.call = call("fail", {text_argument(lang::print(sink))});
    }
    return out;
  });
}

}  // namespace flume::master
