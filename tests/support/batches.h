// Batches for tests: made, encoded to one string and back, and as lists of events.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/event/batch.h"
#include "common/io/crc32c.h"

namespace flume::support {

inline BuilderOptions byte_options() {
  BuilderOptions options;
  options.origin.node.fill(0x11);
  options.origin.stream.fill(0x22);
  options.origin.position = 1000;
  options.origin.boot_epoch = 9;
  options.origin.counts_bytes = true;
  options.host = "h1";
  return options;
}

inline uint32_t feed(BatchBuilder& builder, std::string_view text, int64_t timestamp = 1, int64_t nanos = 0) {
  std::memcpy(builder.space(text.size()).data(), text.data(), text.size());
  return builder.commit_lines(text.size(), timestamp, nanos);
}

inline std::string bytes_of(const EventBatch& batch) {
  std::string out;
  const EventBatch::Encoded encoded = batch.encoded();
  for (const iovec& piece : encoded.pieces) {
    out.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  return out;
}

inline std::string hex_of(std::string_view bytes) {
  return to_hex({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

inline Buffer buffer_of(std::string_view bytes) {
  auto data = std::make_shared<char[]>(bytes.size());
  std::memcpy(data.get(), bytes.data(), bytes.size());
  return {std::move(data), bytes.size()};
}

inline Result<EventBatch> decode(std::string_view bytes, const BatchLimits& limits = {}) {
  return EventBatch::decode(buffer_of(bytes), limits, {});
}

// Stored bytes of a batch with both checksums made anew: what a peer with bad intentions would send.
inline std::string restamped(std::string bytes) {
  const auto store = [&bytes](size_t at, uint32_t value) { std::memcpy(bytes.data() + at, &value, sizeof value); };
  uint32_t head = 0, stored = 0;
  std::memcpy(&head, bytes.data() + 8, sizeof head);
  std::memcpy(&stored, bytes.data() + 12, sizeof stored);
  store(120, crc32c({bytes.data() + head, stored}));
  store(124, 0);
  store(124, crc32c({bytes.data(), head}));
  return bytes;
}

inline std::vector<Event> events_of(const EventBatch& batch) {
  std::vector<Event> out;
  for (uint32_t i = 0; i < batch.rows(); ++i) {
    out.push_back(batch.event(i));
  }
  return out;
}

// Twenty rows that use every column: per-row hosts, priorities and times, attributes that some rows lack, binary
// values.
inline std::vector<Event> mixed_events() {
  std::vector<Event> events;
  for (int i = 0; i < 20; ++i) {
    Event event;
    event.timestamp = 1000000 + i * i;
    event.priority = static_cast<Priority>(i % 6);
    event.nanos = 5 + i * 10;
    event.host = "host-" + std::to_string(i);
    event.body = "body " + std::string(static_cast<size_t>(i), 'x');
    event.attributes["kind"] = i % 2 == 0 ? "even rows have this" : "odd rows have that";
    event.attributes["number"] = std::to_string(i * 1001);
    if (i % 3 == 0) {
      event.attributes["third"] = std::string("\0\xFF\n", 3);
    }
    if (i == 7) {
      event.attributes["seven"] = "";
    }
    events.push_back(std::move(event));
  }
  return events;
}

inline EventBatch batch_of(const std::vector<Event>& events, BuilderOptions options = {}) {
  BatchBuilder builder(std::move(options));
  for (const Event& event : events) {
    FLUME_CHECK(builder.add(event), "the events of a test fit one batch");
  }
  return builder.seal({});
}

inline EventBatch mixed_batch() { return batch_of(mixed_events()); }

}  // namespace flume::support
