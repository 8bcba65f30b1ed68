#include "common/rpc/classic_event.h"

#include <thrift/TApplicationException.h>

#include "common/base/text.h"
#include "common/event/writable_event.h"
#include "common/rpc/thrift_bytes.h"
#include "rpc/ThriftFlumeEventServer.h"

namespace flume::rpc {

namespace {

using apache::thrift::TApplicationException;
using apache::thrift::protocol::TMessageType;
using Method = ClassicCall::Method;

Method method_of(std::string_view name) {
  if (name == "append") {
    return Method::kAppend;
  }
  if (name == "rawAppend") {
    return Method::kRawAppend;
  }
  if (name == "ackedAppend") {
    return Method::kAckedAppend;
  }
  return name == "close" ? Method::kClose : Method::kUnknown;
}

Event to_event(classic::ThriftFlumeEvent&& in) {
  Event out;
  out.timestamp = in.timestamp;
  const bool known =
      in.__isset.priority && in.priority >= classic::Priority::FATAL && in.priority <= classic::Priority::TRACE;
  out.priority = known ? static_cast<Priority>(in.priority) : Priority::kInfo;
  out.nanos = in.nanos;
  out.host = std::move(in.host);
  out.body = std::move(in.body);
  for (auto& [name, value] : in.fields) {
    out.attributes.emplace(name, std::move(value));
  }
  return out;
}

// Reads up to the end of the arguments; throws what the library throws.
Status read_call(Binary& protocol, const BatchLimits& limits, ClassicCall& call) {
  TMessageType type{};
  protocol.readMessageBegin(call.name, type, call.sequence);
  call.method = method_of(call.name);
  switch (call.method) {
    case Method::kAppend:
    case Method::kAckedAppend: {
      classic::ThriftFlumeEventServer_append_args args;  // both methods have the same arguments
      args.read(&protocol);
      call.event = to_event(std::move(args.evt));
      return {};
    }
    case Method::kRawAppend: {
      classic::ThriftFlumeEventServer_rawAppend_args args;
      args.read(&protocol);
      FLUME_ASSIGN_OR_RETURN(call.event, read_writable_event(args.evt.raw, limits, nullptr));
      return {};
    }
    case Method::kClose:
    case Method::kUnknown: return {};
  }
  return {};
}

template <class Write>
std::string message(const std::string& name, TMessageType type, int32_t sequence, Write write) {
  const auto protocol = writer();
  protocol->writeMessageBegin(name, type, sequence);
  write(protocol.get());
  protocol->writeMessageEnd();
  return take(*protocol);
}

}  // namespace

Result<ClassicCall> read_classic_call(std::string_view bytes, const BatchLimits& limits) {
  ClassicCall call;
  try {
    const auto protocol = reader_of(bytes);
    FLUME_RETURN_IF_ERROR(read_call(*protocol, limits, call));
  } catch (const std::exception& error) {
    return Status(Code::kCorrupt, str_cat("read a call of a classic sender: ", error.what()));
  }
  return call;
}

std::string classic_append(const EventBatch& batch, uint32_t row, int32_t sequence) {
  classic::ThriftFlumeEventServer_append_args args;
  const Event event = batch.event(row);
  args.evt.__set_timestamp(event.timestamp);
  args.evt.__set_priority(static_cast<int32_t>(event.priority));
  args.evt.__set_body(event.body);
  args.evt.__set_nanos(event.nanos);
  args.evt.__set_host(event.host);
  args.evt.__set_fields({event.attributes.begin(), event.attributes.end()});
  return message("append", apache::thrift::protocol::T_CALL, sequence, [&](Binary* out) { args.write(out); });
}

std::string classic_acked_answer(int32_t sequence, ClassicStatus status) {
  classic::ThriftFlumeEventServer_ackedAppend_result result;
  result.success = static_cast<int32_t>(status);
  result.__isset.success = true;
  return message("ackedAppend", apache::thrift::protocol::T_REPLY, sequence, [&](Binary* out) { result.write(out); });
}

std::string classic_close_answer(int32_t sequence) {
  const classic::ThriftFlumeEventServer_close_result result;
  return message("close", apache::thrift::protocol::T_REPLY, sequence, [&](Binary* out) { result.write(out); });
}

std::string classic_unknown_answer(const std::string& name, int32_t sequence) {
  const TApplicationException unknown(TApplicationException::UNKNOWN_METHOD,
                                      str_cat("Invalid method name: '", name, "'"));
  return message(name, apache::thrift::protocol::T_EXCEPTION, sequence, [&](Binary* out) { unknown.write(out); });
}

}  // namespace flume::rpc
