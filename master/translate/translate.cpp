#include "master/translate/translate.h"

#include <set>

#include "common/base/text.h"
#include "common/io/crc32c.h"
#include "dataflow-lang/parser.h"
#include "dataflow-lang/printer.h"
#include "master/translate/logical_names.h"

namespace flume::master {

namespace {

constexpr TranslatePass kPasses[] = {translate_logical_names};

// Two checksums of different beginnings: 64 bits, enough to tell successive texts of one node apart.
std::string hash_of(std::string_view source, std::string_view sink, int64_t refresh) {
  const std::string all = str_cat(source, "\n|\n", sink, "\n", refresh);
  const uint64_t hash = (static_cast<uint64_t>(crc32c(all)) << 32) | crc32c(all, 0x5bd1e995U);
  std::array<uint8_t, 8> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(hash >> (56 - 8 * i));
  }
  return to_hex(bytes);
}

SpecFinding finding(const std::string& message) {
  JsonWriter json;
  json.begin_object().member("severity", "warning").member("code", "W100").member("message", message);
  json.member("field", "text").member("line", 1).member("column", 1).member("end_line", 1).member("end_column", 1);
  json.member("offset", 0).member("length", 0).member("source_line", "").member("caret", "").key("suggestion").null();
  json.key("notes").begin_array().end_array().end_object();
  return {false, "text", message, json.take()};
}

}  // namespace

TranslatedNode translate(const View& view, const std::string& node) {
  const NodeConfig& config = view.configs.find(node)->second.value;
  TranslatedNode out;
  auto source = lang::parse_source(lang::SourceText(config.source, "source"));
  auto sink = lang::parse_sink(lang::SourceText(config.sink, "sink"));
  if (source.ok() && sink.ok()) {
    NodeTree tree{node, std::move(source.tree), std::move(sink.tree), {}};
    for (const TranslatePass pass : kPasses) {
      pass(view, tree);
    }
    out.source = lang::print(tree.source);
    out.sink = lang::print(tree.sink);
    out.is_resolved = tree.problems.empty();
    for (const std::string& problem : tree.problems) {
      out.findings.push_back(finding(problem));
    }
  } else {
    // Stored by a version that understood it, or by hand: the node gives the errors.
    out.source = config.source;
    out.sink = config.sink;
  }
  out.hash = hash_of(out.source, out.sink, config.refresh);
  return out;
}

std::vector<Change> missing_ports(const View& view) {
  std::set<std::pair<std::string, uint16_t>> taken;
  for (const auto& [place, port] : view.ports) {
    taken.insert({place.first, port.value});
  }
  std::vector<Change> changes;
  for (const auto& [name, config] : view.configs) {
    if (config.value.source.find(kLogicalSource) == std::string::npos) {
      continue;
    }
    const auto source = lang::parse_source(lang::SourceText(config.value.source, "source"));
    const auto host = view.hosts.find(view.physical_of(name));
    if (!source.ok() || source.tree.name != kLogicalSource || host == view.hosts.end() ||
        view.ports.contains({host->second.value.host, name})) {
      continue;
    }
    const std::string& where = host->second.value.host;
    uint32_t port = kFirstLogicalPort;
    while (port < 65536 && !taken.insert({where, static_cast<uint16_t>(port)}).second) {
      ++port;
    }
    if (port < 65536) {
      Change change{port_key(where, name), encode_port(static_cast<uint16_t>(port))};
      change.if_absent = true;
      changes.push_back(std::move(change));
    }
  }
  return changes;
}

}  // namespace flume::master
