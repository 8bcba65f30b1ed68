// One Thrift message taken apart and put together by hand, where a processor's own order (one call, one answer, at
// once) does not fit. Internal to master/rpc.
#pragma once

#include <thrift/TApplicationException.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/rpc/thrift_bytes.h"

namespace flume::master {

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
