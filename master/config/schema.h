// The keys of the master's store and what their values hold. Values are JSON objects with "v":1; fields that this
// version does not know are kept when a value is rewritten.
//   format                 {store}
//   nodes/N/config         {flow, source, sink, refresh, who, when, why}: as typed, never translated text
//   nodes/N/place          {physical}
//   hosts/P                {node_id, host, addresses, live, since}: written on transitions only
//   ports/HOST/N           {port}: of the logical source of N on that host
//   removed/P/N            {}: P must stop N; until P has confirmed it
//   adopt/P                {}: P may leave the store that it obeys for this one
//   history/ID             a finished command; the last kHistoryLength
// N logical node, P physical node. Names are percent-encoded but for A-Z a-z 0-9 _ - and the dot inside a name.
// Value types and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/json/json.h"
#include "master/store/config_store.h"

namespace flume::master {

inline constexpr size_t kHistoryLength = 1000;

std::string encode_name(std::string_view name);
std::optional<std::string> decode_name(std::string_view text);
// 1..255 bytes of letters, digits, dot, dash, underscore. kInvalid says which node name is wrong.
Status check_node_name(std::string_view name);

struct NodeConfig {
  std::string flow;
  std::string source;
  std::string sink;
  int64_t refresh = 0;  // grows with each `refresh`: the text is the same, the node opens it anew
  std::string who;
  int64_t when_millis = 0;
  std::string why;  // the command
};

struct HostRecord {
  std::string node_id;  // 32 hex digits; empty: a classic node
  std::string host;
  std::vector<std::string> addresses;
  bool is_live = true;
  int64_t since_millis = 0;
};

std::string config_key(std::string_view node);
std::string place_key(std::string_view node);
std::string host_key(std::string_view physical);
std::string port_key(std::string_view host, std::string_view node);
std::string removed_key(std::string_view physical, std::string_view node);
std::string adopt_key(std::string_view physical);
std::string history_key(uint64_t id);

// `before`: the value that is replaced, for the fields that this version does not know; empty = none.
std::string encode_config(const NodeConfig& config, std::string_view before = {});
std::string encode_place(std::string_view physical);
std::string encode_host(const HostRecord& host, std::string_view before = {});
std::string encode_port(uint16_t port);

Result<NodeConfig> decode_config(std::string_view value);
Result<std::string> decode_place(std::string_view value);
Result<HostRecord> decode_host(std::string_view value);
Result<uint16_t> decode_port(std::string_view value);

}  // namespace flume::master
