// SequenceFiles of the classic system's binary events (event/writable_event.h), as its dfs sink writes them (each value
// compressed) or its seqfile sink and its logs (not). The key is the timestamp, big-endian, and eight zero bytes.
// Each object is used by one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/event/event.h"
#include "common/event/format.h"
#include "common/io/sequence_file.h"

namespace flume {

std::unique_ptr<OutputFormat> make_sequence_format(SequenceCodec codec);

// The events of a file, one after another. What is damaged or no event is told and left out.
class EventSequenceReader {
 public:
  enum class Kind : uint8_t { kEvent, kBad, kEnd };
  struct Item {
    Kind kind = Kind::kEnd;
    Event event;
    // kBad: from where to where in the file (both its block's start for one record in a block), and why.
    uint64_t offset = 0;
    uint64_t end_offset = 0;
    std::string why;
  };

  // kCorrupt: no SequenceFile; kUnsupported: one of other values, or of another version or codec.
  static Result<EventSequenceReader> open(std::unique_ptr<SequenceInput> input, const BatchLimits& limits);

  const SequenceHeader& header() const { return reader_.header(); }
  // An error only when the input cannot be read.
  Result<Item> next();
  SequenceReader::Place place() const { return reader_.place(); }  // behind what next() gave
  void seek(const SequenceReader::Place& place) { reader_.seek(place); }

 private:
  EventSequenceReader(SequenceReader reader, const BatchLimits& limits) : reader_(std::move(reader)), limits_(limits) {}

  SequenceReader reader_;
  BatchLimits limits_;
};

}  // namespace flume
