// Reads back what the output formats `avrojson` and `json` wrote: one line, one event. For the replay source. Lines
// come from files, so everything is checked: the size of the line before it is parsed, each field's type and size.
#pragma once

#include <string_view>

#include "common/base/status.h"
#include "common/event/batch.h"
#include "common/event/event.h"

namespace flume {

enum class ReplayFormat : uint8_t {
  kAvroJson,  // body and attribute values: one character U+0000..U+00FF a byte; any bytes survive
  kJson,      // UTF-8 text; bytes that were none became U+FFFD when they were written
};

// kInvalid: "avrojson" or "json".
Result<ReplayFormat> parse_replay_format(std::string_view name);
// `line` without its newline; blanks around it are skipped (the classic system starts lines with one). kInvalid says
// what is wrong: `event: "timestamp" is missing`; kNoSpace: a limit is passed. "body" and "timestamp" must be there,
// the rest has the defaults of an event.
Result<Event> read_event_line(ReplayFormat format, std::string_view line, const BatchLimits& limits);

}  // namespace flume
