// One Thrift message taken apart and put together by hand, where a processor's own order (one call, one answer, at
// once) does not fit. Internal to master/rpc.
#pragma once

#include <thrift/TApplicationException.h>
#include <thrift/TProcessor.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/rpc/thrift_bytes.h"

namespace flume::master {

inline constexpr int kMaxElements = 1 << 16;  // of a list or map; each may cost some hundred bytes when it is read

// The answer of generated code, which throws what it cannot read; empty: none is due.
inline std::string answer_of(apache::thrift::TProcessor& processor, std::string_view message) {
  const auto out = rpc::writer();
  processor.process(rpc::reader_of(message, kMaxElements), out, nullptr);
  return rpc::take(*out);
}

struct CallHead {
  std::string method;
  int32_t sequence = 0;
  bool is_call = false;  // else a one-way call, or no call at all
};

inline CallHead read_head(rpc::Binary& in) {
  CallHead head;
  auto type = apache::thrift::protocol::T_CALL;
  in.readMessageBegin(head.method, type, head.sequence);
  head.is_call = type == apache::thrift::protocol::T_CALL;
  return head;
}

template <class Result>
std::string reply_message(const CallHead& head, const Result& result) {
  const auto out = rpc::writer();
  out->writeMessageBegin(head.method, apache::thrift::protocol::T_REPLY, head.sequence);
  result.write(out.get());
  out->writeMessageEnd();
  return rpc::take(*out);
}

}  // namespace flume::master
