#include "common/event/encoding.h"

#include <gtest/gtest.h>

#include "tests/support/batches.h"

namespace flume {
namespace {

using support::bytes_of;

uint32_t u32(const std::string& bytes, size_t at) { return encoding::load<uint32_t>(bytes.data() + at); }

// Directory entry of the column `id` (of the n-th attribute for id 7) in the stored bytes; 0: there is none.
size_t entry_of(const std::string& bytes, uint8_t id, uint32_t nth = 0) {
  const auto columns = static_cast<uint8_t>(bytes[31]);
  for (size_t i = 0; i < columns; ++i) {
    const size_t at = 128 + i * 16;
    if (static_cast<uint8_t>(bytes[at]) == id && nth-- == 0) {
      return at;
    }
  }
  return 0;
}

int encoding_of(const EventBatch& batch, uint8_t id, uint32_t nth = 0) {
  const std::string bytes = bytes_of(batch);
  const size_t at = entry_of(bytes, id, nth);
  return at == 0 ? -1 : static_cast<uint8_t>(bytes[at + 1]);
}

std::vector<Event> rows(size_t n) {
  std::vector<Event> events(n);
  for (size_t i = 0; i < n; ++i) {
    events[i].timestamp = 1000;
    events[i].host = "h";
    events[i].body = "b" + std::to_string(i);
  }
  return events;
}

void expect_same_after_decoding(const std::vector<Event>& events, const EventBatch& batch) {
  const auto decoded = support::decode(bytes_of(batch));
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  EXPECT_EQ(support::events_of(*decoded), events);
}

TEST(Encoding, WhatIsTheSameInEveryRowIsStoredOnce) {
  std::vector<Event> events = rows(100);
  for (Event& event : events) {
    event.priority = Priority::kWarn;
    event.attributes["service"] = "web";
  }
  const EventBatch batch = support::batch_of(events);
  for (const uint8_t id : {encoding::kTimestamp, encoding::kPriority, encoding::kHost, encoding::kAttribute}) {
    EXPECT_EQ(encoding_of(batch, id), encoding::kConstant) << int{id};
  }
  EXPECT_EQ(encoding_of(batch, encoding::kNanos), -1);  // 0 everywhere: no column
  EXPECT_EQ(batch.constant("service"), "web");
  expect_same_after_decoding(events, batch);
}

TEST(Encoding, DefaultsTakeNoColumn) {
  std::vector<Event> events = rows(3);
  for (Event& event : events) {
    event.host.clear();
  }
  const std::string bytes = bytes_of(support::batch_of(events));
  EXPECT_EQ(static_cast<uint8_t>(bytes[31]), 2);  // ends and timestamps
  expect_same_after_decoding(events, support::batch_of(events));
}

TEST(Encoding, EvenStepsAreTwoNumbers) {
  std::vector<Event> events = rows(50);
  for (size_t i = 0; i < events.size(); ++i) {
    events[i].nanos = INT64_MAX - 10 + static_cast<int64_t>(i < 11 ? i : 0);
    events[i].timestamp = 5000 - static_cast<int64_t>(i) * 7;
  }
  const EventBatch batch = support::batch_of(events);
  EXPECT_EQ(encoding_of(batch, encoding::kTimestamp), encoding::kLinear);
  EXPECT_EQ(encoding_of(batch, encoding::kNanos), encoding::kArray);
  expect_same_after_decoding(events, batch);
}

TEST(Encoding, FewDifferentTextsAreADictionary) {
  std::vector<Event> events = rows(600);
  for (size_t i = 0; i < events.size(); ++i) {
    events[i].host = "host-" + std::to_string(i % 5);
    events[i].attributes["unique"] = "value " + std::to_string(i);
    if (i % 4 != 3) {
      events[i].attributes["some"] = i % 2 == 0 ? "yes, it is even" : "";
    }
  }
  const EventBatch batch = support::batch_of(events);
  EXPECT_EQ(encoding_of(batch, encoding::kHost), encoding::kDictionary);
  EXPECT_EQ(encoding_of(batch, encoding::kAttribute, 0), encoding::kDictionary | encoding::kPresence);  // "some"
  EXPECT_EQ(encoding_of(batch, encoding::kAttribute, 1), encoding::kBytes);                             // "unique"
  EXPECT_EQ(batch.attribute(3, "some"), std::nullopt);
  EXPECT_EQ(batch.attribute(1, "some"), "");
  expect_same_after_decoding(events, batch);
  expect_same_after_decoding({events.begin() + 101, events.begin() + 110}, batch.slice(101, 9));
}

TEST(Encoding, AConstantMayBeMissingInSomeRows) {
  std::vector<Event> events = rows(10);
  events[2].attributes["tag"] = "x";
  events[9].attributes["tag"] = "x";
  const EventBatch batch = support::batch_of(events);
  EXPECT_EQ(encoding_of(batch, encoding::kAttribute), encoding::kConstant | encoding::kPresence);
  EXPECT_EQ(batch.constant("tag"), std::nullopt);
  expect_same_after_decoding(events, batch);
  EXPECT_EQ(encoding_of(batch.slice(3, 4), encoding::kAttribute), -1);  // none of these rows has it
}

// Our builder does not write them, a peer may.
TEST(Encoding, ADictionaryOfManyEntriesHasIndicesOfTwoBytes) {
  std::vector<Event> events = rows(300);
  std::string data;
  encoding::append_raw(data, uint32_t{300});
  std::string values, index;
  for (uint32_t i = 0; i < 300; ++i) {
    values += "v" + std::to_string(i);
    encoding::append_raw(data, static_cast<uint32_t>(values.size()));
    encoding::append_raw(index, static_cast<uint16_t>(299 - i));
    events[i].attributes["k"] = "v" + std::to_string(299 - i);
  }
  data += values + index;
  const EventBatch plain = support::batch_of(rows(300));
  const auto& shared = BatchAccess::shared(plain);
  encoding::HeadPlan plan = BatchAccess::plan_of(shared);
  BatchAccess::copy_fields(shared, plan);
  plan.add(encoding::kAttribute, encoding::kDictionary, "k", data);
  const EventBatch batch = BatchAccess::make(BatchAccess::assemble(plan, shared), {});
  expect_same_after_decoding(events, batch);
  expect_same_after_decoding({events.begin() + 250, events.end()}, batch.from(250));
}

TEST(Encoding, TheDelimiterStaysInTheBlob) {
  BuilderOptions options = support::byte_options();
  options.delimiter = "\r\n";
  BatchBuilder builder(options);
  support::feed(builder, "a\r\n\r\nb\rc\r\nrest");
  const EventBatch whole = builder.seal({});
  EXPECT_EQ(whole.blob(), "a\r\n\r\nb\rc\r\n");
  EXPECT_TRUE(whole.blob_is_rows_of("\r\n"));
  EXPECT_EQ(whole.body(2), "b\rc");
  ASSERT_TRUE(builder.finish_line(1, 1));
  const EventBatch rest = builder.seal({});
  EXPECT_EQ(rest.body(0), "rest");
  EXPECT_FALSE(rest.blob_is_rows_of("\r\n"));
  const auto decoded = support::decode(bytes_of(rest));
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  EXPECT_EQ(decoded->body(0), "rest");
}

TEST(Encoding, CarriesOptionalColumnsItDoesNotKnow) {
  const EventBatch plain = support::batch_of(rows(4));
  const auto& shared = BatchAccess::shared(plain);
  encoding::HeadPlan plan = BatchAccess::plan_of(shared);
  BatchAccess::copy_fields(shared, plan);
  plan.add(200, encoding::kArray, "of the future", "aabbccdd");
  const EventBatch batch = BatchAccess::make(BatchAccess::assemble(plan, shared), {});
  const auto decoded = support::decode(bytes_of(batch));
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  const std::string edited = bytes_of(decoded->with_constant("a", "b"));
  EXPECT_NE(edited.find("aabbccdd"), std::string::npos);
  const std::string sliced = bytes_of(decoded->slice(1, 2));
  EXPECT_NE(sliced.find("bbcc"), std::string::npos);
  EXPECT_EQ(sliced.find("aabb"), std::string::npos);
}

// ---- what must be refused

struct Patch {
  const char* what;
  size_t at;
  std::string bytes;
  const char* error;
};

std::string le32(uint32_t value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }
std::string le64(uint64_t value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }

// Three rows of bytes from a file, with an attribute.
EventBatch three_rows() {
  BatchBuilder builder(support::byte_options());
  builder.set_constant("k", "v");
  support::feed(builder, "one\ntwo\nthree\n", 5000, 77);
  return builder.seal({});
}

std::string error_after(std::string bytes, const Patch& patch, const BatchLimits& limits = {}) {
  bytes.replace(patch.at, patch.bytes.size(), patch.bytes);
  const auto decoded = support::decode(support::restamped(std::move(bytes)), limits);
  return decoded.ok() ? "ok" : decoded.status().to_string();
}

TEST(Encoding, RefusesABadHeader) {
  const std::string good = bytes_of(three_rows());
  const Patch patches[] = {
      {"magic", 0, "FLBX", "corrupt: decode batch: no batch: the magic is missing"},
      {"version", 4, "\2", "unsupported: decode batch: version 2, this is 1"},
      {"codec", 5, "\4", "unsupported: decode batch: unknown blob codec 4"},
      {"flags", 7, "\1", "unsupported: decode batch: unknown flags 256"},
      {"raw", 16, le32(15), "corrupt: decode batch: a plain blob of 14 bytes that claims 15"},
      {"no rows", 20, le32(0), "corrupt: decode batch: 0 rows, the limit is 1048576"},
      {"rows", 20, le32(1U << 31), "corrupt: decode batch: 2147483648 rows, the limit is 1048576"},
      {"delimiter", 24, "\7", "corrupt: decode batch: a delimiter of 7 bytes"},
      {"delimiter bytes", 26, "x", "corrupt: decode batch: bytes behind the delimiter are not zero"},
      {"columns", 31, "\xFB", "corrupt: decode batch: a directory of 251 columns does not fit the head"},
      {"span", 108, le32(2), "corrupt: decode batch: numbers that span 2 for 3 rows"},
      {"span without index", 108, le32(4), "corrupt: decode batch: numbers that span 4 for 3 rows without an index"},
      {"end position", 72, le64(999),
       "corrupt: decode batch: the origin position after the last row lies before the first"},
      {"short end", 72, le64(1007),
       "corrupt: decode batch: the last row lies 8 behind the origin position, the end only 7"},
  };
  for (const Patch& patch : patches) {
    EXPECT_EQ(error_after(good, patch), patch.error) << patch.what;
  }
}

TEST(Encoding, RefusesABadDirectoryOrColumn) {
  const std::string good = bytes_of(three_rows());
  const size_t ends = entry_of(good, encoding::kEnds);
  const size_t timestamp = entry_of(good, encoding::kTimestamp);
  const size_t nanos = entry_of(good, encoding::kNanos);
  const size_t attribute = entry_of(good, encoding::kAttribute);
  const uint32_t ends_at = u32(good, ends + 4);
  const uint32_t head = u32(good, 8);
  ASSERT_NE(attribute, 0u);
  const Patch patches[] = {
      {"unknown id", nanos, "\x8", "unsupported: decode batch: unknown column 8"},
      {"order", timestamp, "\1", "corrupt: decode batch: ends: not in the order of id and name, or twice"},
      {"encoding", timestamp + 1, "\3", "corrupt: decode batch: timestamp: encoding 3 is not one of this column's"},
      {"presence", timestamp + 1, "\x80", "corrupt: decode batch: timestamp: a presence bitmap is for attributes only"},
      {"offset", timestamp + 4, le32(ends_at),
       "corrupt: decode batch: timestamp: data of 8 bytes at 216 do not fit their place in the head"},
      {"size", attribute + 8, le32(head),
       "corrupt: decode batch: attribute \"k\": data of 272 bytes at 264 do not fit their place in the head"},
      {"zero", attribute + 12, "\1", "corrupt: decode batch: attribute \"k\": padding is not zero"},
      {"name", attribute + 2, std::string("\0\0", 2), "corrupt: decode batch: ends: padding is not zero"},
      {"name in field", timestamp + 2, "\1", "corrupt: decode batch: timestamp: only attributes have names"},
      {"constant", timestamp + 8, le32(7), "corrupt: decode batch: timestamp: a constant of 7 bytes, not 8"},
      {"linear", nanos + 8, le32(8), "corrupt: decode batch: nanos: a linear column of 8 bytes, not 16"},
      {"array", ends + 8, le32(8), "corrupt: decode batch: ends: an array of 8 bytes for 3 rows of 4 bytes"},
      {"ends fall", ends_at + 4, le32(3),
       "corrupt: decode batch: row 1 ends at 3 and starts at 4: shorter than the delimiter or longer than 1048576"},
      {"ends beyond", ends_at + 8, le32(200), "corrupt: decode batch: rows end at 200, the blob at 14"},
      {"ends before", ends_at + 8, le32(13), "corrupt: decode batch: rows end at 13, the blob at 14"},
      {"no delimiter", ends_at, le32(5), "corrupt: decode batch: row 0 does not end with the delimiter"},
      {"head padding", u32(good, attribute + 4) + 1, "\1", "corrupt: decode batch: padding of the head is not zero"},
      {"blob padding", head + 15, "\1", "corrupt: decode batch: padding of the blob is not zero"},
  };
  for (const Patch& patch : patches) {
    EXPECT_EQ(error_after(good, patch), patch.error) << patch.what;
  }
}

TEST(Encoding, RefusesABadDictionary) {
  std::vector<Event> events = rows(40);
  for (size_t i = 0; i < events.size(); ++i) {
    events[i].host = i % 2 == 0 ? "an even host" : "an odd host";
  }
  const std::string good = bytes_of(support::batch_of(events));
  const size_t entry = entry_of(good, encoding::kHost);
  const uint32_t at = u32(good, entry + 4);
  const uint32_t size = u32(good, entry + 8);
  const Patch patches[] = {
      {"no entries", at, le32(0), "corrupt: decode batch: host: a dictionary of 0 entries"},
      {"many entries", at, le32(1U << 30), "corrupt: decode batch: host: a dictionary of 1073741824 entries"},
      {"entries beyond", at, le32(30), "corrupt: decode batch: host: too short for its dictionary"},
      {"falling", at + 8, le32(3), "corrupt: decode batch: host: the end of value 1 lies before its start"},
      {"index", at + size - 1, "\2", "corrupt: decode batch: host: row 39 has entry 2 of 2"},
  };
  for (const Patch& patch : patches) {
    EXPECT_EQ(error_after(good, patch), patch.error) << patch.what;
  }
}

TEST(Encoding, RefusesWrongChecksumsAndLengths) {
  const std::string good = bytes_of(three_rows());
  const auto error = [](const std::string& bytes) { return support::decode(bytes).status().to_string(); };
  std::string head = good;
  head[64] = static_cast<char>(head[64] ^ 1);
  EXPECT_EQ(error(head), "corrupt: decode batch: the checksum of the head is wrong");
  std::string blob = good;
  blob[u32(good, 8)] = 'O';
  EXPECT_EQ(error(blob), "corrupt: decode batch: the checksum of the blob is wrong");
  EXPECT_EQ(error(good.substr(0, 127)), "corrupt: decode batch: 127 bytes are too short for a header");
  EXPECT_EQ(error(good.substr(0, good.size() - 8)),
            "corrupt: decode batch: 280 bytes for a head of 272 and a blob of 14");
  EXPECT_EQ(error(good + std::string(8, '\0')), "corrupt: decode batch: 296 bytes for a head of 272 and a blob of 14");
}

TEST(Encoding, NoClaimAllocatesMoreThanItsBytesAllow) {
  const EventBatch batch = support::batch_of(rows(200));
  const auto packed = batch.compressed(BlobCodec::kZstd);
  ASSERT_TRUE(packed.ok() && packed->codec() == BlobCodec::kZstd);
  const std::string good = bytes_of(*packed);
  const uint32_t stored = u32(good, 12);
  EXPECT_EQ(error_after(good, {"ratio", 16, le32(stored * 200 + 1), ""}),
            "corrupt: decode batch: a blob of " + std::to_string(stored) + " bytes that claims " +
                std::to_string(stored * 200 + 1) + ", more than 200 to 1");
  EXPECT_EQ(error_after(good, {"none", 20, le32(200), ""}, {.blob_bytes = 100}),
            "corrupt: decode batch: a blob of " + std::to_string(u32(good, 16)) + " bytes, the limit is 100");
  EXPECT_EQ(error_after(good, {"none", 20, le32(200), ""}, {.rows = 100}),
            "corrupt: decode batch: 200 rows, the limit is 100");
  EXPECT_EQ(error_after(good, {"none", 20, le32(200), ""}, {.head_bytes = 512}),
            "corrupt: decode batch: a head of " + std::to_string(u32(good, 8)) + " bytes");
  Event long_event;
  long_event.body.assign(5000, 'x');
  EXPECT_EQ(error_after(bytes_of(support::batch_of({long_event})), {"none", 20, le32(1), ""}, {.event_bytes = 4096}),
            "corrupt: decode batch: row 0 ends at 5001 and starts at 0: shorter than the delimiter or longer than "
            "4096");
}

TEST(Encoding, EveryByteChangedIsNoticed) {
  const std::string good = bytes_of(support::mixed_batch());
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x40);
    EXPECT_FALSE(support::decode(bad).ok()) << at;
  }
}

}  // namespace
}  // namespace flume
