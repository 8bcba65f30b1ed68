// Rows as a source gives them to a sink: one in a batch, each from its own place in one stream.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "common/base/random.h"
#include "tests/support/sink_rig.h"

namespace flume::test {

class SourceRows {
 public:
  explicit SourceRows(SinkRig& rig) : rig_(rig) {}

  void append(node::Sink& sink, const std::string& row, uint64_t place) {
    BuilderOptions options;
    options.origin.stream = stream_;
    options.origin.position = place;
    Event event;
    event.body = row;
    const EventBatch batch = rig_.issued(support::batch_of({std::move(event)}, std::move(options)));
    const node::AppendResult result = sink.append(batch, Wait::for_duration(std::chrono::seconds(20)));
    ASSERT_TRUE(result.status.ok()) << result.status.to_string();
  }
  // "row 5" from place 5, and so on.
  void append_numbered(node::Sink& sink, uint64_t from, uint64_t to) {
    for (uint64_t row = from; row < to; ++row) {
      ASSERT_NO_FATAL_FAILURE(append(sink, str_cat("row ", row), row));
    }
  }

 private:
  SinkRig& rig_;
  const Id128 stream_ = random_id();
};

}  // namespace flume::test
