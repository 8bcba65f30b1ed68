// What a node reports, in Thrift's types, and the two calls as messages. Pure functions; the library's exceptions end
// here.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"
#include "node/runtime/node_set.h"
#include "rpc/control_types.h"

namespace flume::node {

rpc::control::LogicalState logical_state(const LogicalStatus& status, const std::string& text_hash);

Result<std::string> encode_poll(const rpc::control::NodeReport& report, int32_t wait_ms);
// kCorrupt: no answer to a poll; kUnavailable: the master says that it failed.
Result<rpc::control::Desired> decode_desired(std::string_view message);

}  // namespace flume::node
