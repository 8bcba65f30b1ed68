// Calls of the classic system's event service (flume.thrift), as single unframed messages: what a classic sender writes
// to a collector's port and what it is answered. Generated code does the work and is not seen here. Functions without
// state; what is read is bounds-checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/event/batch.h"
#include "common/event/event.h"

namespace flume::rpc {

struct ClassicCall {
  enum class Method : uint8_t { kAppend, kRawAppend, kAckedAppend, kClose, kUnknown };
  Method method = Method::kUnknown;
  std::string name;      // of an unknown method
  int32_t sequence = 0;  // of the call, to be answered with
  Event event;           // of the three appends
};

enum class ClassicStatus : uint8_t { kAck = 0, kCommitted = 1, kError = 2 };

// `message`: one whole message. The type (call or one-way) says nothing: classic senders call `append` and read no
// answer. Missing fields have the classic defaults. Sizes are not judged here, but for a raw event, whose own lengths
// must be within the limits.
Result<ClassicCall> read_classic_call(std::string_view message, const BatchLimits& limits);
std::string classic_append(const EventBatch& batch, uint32_t row, int32_t sequence);
std::string classic_acked_answer(int32_t sequence, ClassicStatus status);
std::string classic_close_answer(int32_t sequence);
std::string classic_unknown_answer(const std::string& name, int32_t sequence);

}  // namespace flume::rpc
