// docs/formats/wal.md tells the truth: its example is read from the page, and our writer makes the same bytes.
#include <gtest/gtest.h>

#include "common/base/text.h"
#include "common/wal/segment.h"
#include "tests/support/batches.h"
#include "tests/support/crash_files.h"
#include "tests/support/hex_page.h"

namespace flume::wal {
namespace {

Id128 counted_from(uint8_t first) {
  Id128 id;
  for (uint8_t i = 0; i < id.size(); ++i) {
    id[i] = static_cast<uint8_t>(first + i);
  }
  return id;
}

const Hop kHop{counted_from(0x30), 1234, 0x7766554433221101, 2};

Places held_places() { return {true, 1200, {{counted_from(0x20), 1000, "web"}}}; }

EventBatch example_batch() {
  BuilderOptions options;
  options.origin.node = counted_from(0x10);
  options.origin.stream = counted_from(0x20);
  options.origin.position = 1000;
  options.origin.boot_epoch = 3;
  options.origin.counts_bytes = true;
  options.host = "web1";
  BatchBuilder builder(options);
  support::feed(builder, "GET /\nGET /cart\n", 1700000000123, 500);
  return builder.seal({}).with_hop(kHop);
}

std::string example() {
  const std::string batch = support::bytes_of(example_batch());
  std::string bytes = encode_header({kHop.stream, kHop.ordinal, 1700000000456}) + encode_places(held_places());
  bytes += encode_record_head(static_cast<uint32_t>(batch.size())) + batch;
  bytes.append(padding_after(batch.size()), '\0');
  return bytes + encode_footer({2, example_batch().body_bytes(), 0});
}

TEST(WalDocument, TheWriterMakesItsExample) {
  EXPECT_EQ(support::hex_of(example()), support::hex_of(test::bytes_on_page("wal.md")));
}

TEST(WalDocument, ItsExampleIsReadAsItSays) {
  test::CrashFiles files;
  const auto file = files.create("/1234").value();
  std::string bytes = test::bytes_on_page("wal.md");
  const iovec piece{bytes.data(), bytes.size()};
  ASSERT_TRUE(file->append({&piece, 1}).ok());
  SegmentReader reader(*file, {});
  const SegmentHeader header = reader.header().value();
  EXPECT_EQ(header.stream, kHop.stream);
  EXPECT_EQ(header.first_ordinal, 1234U);
  EXPECT_EQ(header.created_millis, 1700000000456);
  const auto places = reader.next().value();
  ASSERT_EQ(places.kind, SegmentReader::Kind::kPlaces);
  EXPECT_EQ(places.places, held_places());
  const auto rows = reader.next().value();
  ASSERT_EQ(rows.kind, SegmentReader::Kind::kBatch);
  EXPECT_EQ(rows.batch.hop().stream, kHop.stream);
  EXPECT_EQ(rows.batch.hop().ordinal, 1234U);
  EXPECT_EQ(rows.batch.hop().chain, kHop.chain);
  ASSERT_EQ(rows.batch.rows(), 2U);
  EXPECT_EQ(rows.batch.body(0), "GET /");
  EXPECT_EQ(rows.batch.body(1), "GET /cart");
  EXPECT_EQ(rows.batch.origin().end_position, 1016U);
  const auto footer = reader.next().value();
  ASSERT_EQ(footer.kind, SegmentReader::Kind::kFooter);
  EXPECT_EQ(footer.totals, (SegmentTotals{2, 14, 0}));
  EXPECT_EQ(reader.next()->kind, SegmentReader::Kind::kEnd);
}

}  // namespace
}  // namespace flume::wal
