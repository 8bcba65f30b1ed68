// The classic system's binary event ("WriteableEvent"): values of its SequenceFiles, and payloads of its batch and gzip
// decorators. Big-endian: i32 body length, body, i64 timestamp, i32 priority, i64 nanos, host, i32 attributes, each a
// name, i32 length, bytes; texts as u16 length and Java's modified UTF-8. Functions without state; what is read is
// bounds-checked.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/event/batch.h"
#include "common/event/event.h"
#include "common/event/format.h"

namespace flume {

void append_writable_event(const FormatRow& row, std::string& out);
// One event from the start of `bytes`; `used` (may be null) = how many of them. kCorrupt with the offset, kNoSpace
// beyond a limit.
Result<Event> read_writable_event(std::string_view bytes, const BatchLimits& limits, size_t* used);

}  // namespace flume
