// SequenceFiles of the classic system's binary events (event/writable_event.h), as its dfs sink writes them (each value
// compressed) or its seqfile sink and its logs (not). The key is the timestamp, big-endian, and eight zero bytes.
#pragma once

#include <memory>

#include "common/event/format.h"

namespace flume {

std::unique_ptr<OutputFormat> make_sequence_format(bool compressed);

}  // namespace flume
