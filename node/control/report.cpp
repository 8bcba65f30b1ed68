#include "node/control/report.h"

#include <exception>
#include <utility>

#include "common/base/text.h"
#include "common/rpc/thrift_bytes.h"
#include "node/runtime/flow_json.h"
#include "rpc/NodeControl.h"

namespace flume::node {
namespace {

// As control.thrift numbers them.
int32_t wire_number(NodeState state) {
  switch (state) {
    case NodeState::kHello: return 0;
    case NodeState::kIdle: return 1;
    case NodeState::kOpening: return 2;
    case NodeState::kActive: return 3;
    case NodeState::kError: return 4;
    case NodeState::kClosing: return 7;
    case NodeState::kBackoff: return 100;
    case NodeState::kBlocked: return 101;
    case NodeState::kDraining: return 102;
  }
  return 4;
}

void put(std::map<std::string, int64_t>& numbers, const std::string& name, const Amount& amount) {
  numbers[name + ".events"] = static_cast<int64_t>(amount.events);
  numbers[name + ".bytes"] = static_cast<int64_t>(amount.bytes);
}

std::map<std::string, int64_t> ledger_numbers(const Ledger& ledger) {
  std::map<std::string, int64_t> numbers;
  put(numbers, "read", ledger.read);
  put(numbers, "recovered", ledger.recovered);
  put(numbers, "delivered", ledger.delivered);
  put(numbers, "in_flight", ledger.in_flight);
  put(numbers, "held", ledger.held);
  for (const auto& [reason, amount] : ledger.dropped) {
    put(numbers, "dropped." + reason, amount);
  }
  numbers["copies"] = static_cast<int64_t>(ledger.copies);
  numbers["joined"] = static_cast<int64_t>(ledger.joined);
  numbers["missing"] = static_cast<int64_t>(ledger.missing);
  numbers["unexplained"] = ledger.unexplained;
  numbers["balanced"] = ledger.balanced ? 1 : 0;
  return numbers;
}

}  // namespace

rpc::control::LogicalState logical_state(const LogicalStatus& status, const std::string& text_hash) {
  rpc::control::LogicalState state;
  state.__set_name(status.name);
  state.__set_state(wire_number(status.state));
  state.__set_revision(static_cast<int64_t>(status.revision));
  state.__set_text_hash(text_hash);
  state.__set_error(status.error);
  state.__set_counters(status.counters);
  state.__set_wanted_revision(static_cast<int64_t>(status.wanted_revision));
  state.__set_since_ms(status.since_millis);
  state.__set_error_ms(status.error_millis);
  state.__set_next_try_ms(status.next_try_millis);
  state.__set_ledger(ledger_numbers(status.ledger));
  state.__set_promise(promise_json(status));
  state.__set_logs(logs_json(status));
  return state;
}

Result<std::string> encode_poll(const rpc::control::NodeReport& report, int32_t wait_ms) {
  try {
    const auto out = rpc::writer();
    rpc::control::NodeControlClient client(out);
    client.send_poll(report, wait_ms);
    return rpc::take(*out);
  } catch (const std::exception& error) {
    return Status(Code::kInternal, str_cat("write a report: ", std::string_view(error.what())));
  }
}

Result<rpc::control::Desired> decode_desired(std::string_view message) {
  try {
    rpc::control::NodeControlClient client(rpc::reader_of(message));
    rpc::control::Desired desired;
    client.recv_poll(desired);
    return desired;
  } catch (const apache::thrift::TApplicationException& error) {
    return unavailable(str_cat("the master failed: ", std::string_view(error.what())));
  } catch (const std::exception& error) {
    return Status(Code::kCorrupt, str_cat("read the master's answer: ", std::string_view(error.what())));
  }
}

}  // namespace flume::node
