// docs/formats/batch.md tells the truth: its example is decoded from the page, and our builder makes the same bytes.
#include <gtest/gtest.h>

#include "common/base/text.h"
#include "common/event/batch.h"
#include "tests/support/batches.h"
#include "tests/support/hex_page.h"

namespace flume {
namespace {

BuilderOptions example_options() {
  BuilderOptions options;
  for (uint8_t i = 0; i < 16; ++i) {
    options.origin.node[i] = static_cast<uint8_t>(0x10 + i);
    options.origin.stream[i] = static_cast<uint8_t>(0x20 + i);
  }
  options.origin.position = 1000;
  options.origin.boot_epoch = 3;
  options.origin.counts_bytes = true;
  options.host = "web1";
  return options;
}

TEST(BatchDocument, ItsExampleDecodesToWhatItSays) {
  const auto decoded = support::decode(test::bytes_on_page("batch.md"));
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  ASSERT_EQ(decoded->rows(), 2u);
  Event event;
  event.timestamp = 1700000000123;
  event.nanos = 500;
  event.host = "web1";
  event.body = "GET /";
  event.attributes["service"] = "shop";
  EXPECT_EQ(decoded->event(0), event);
  event.nanos = 501;
  event.body = "GET /cart";
  EXPECT_EQ(decoded->event(1), event);
  EXPECT_EQ(decoded->origin().node, example_options().origin.node);
  EXPECT_EQ(decoded->origin().stream, example_options().origin.stream);
  EXPECT_EQ(decoded->origin().boot_epoch, 3u);
  EXPECT_EQ(decoded->origin_position(1), 1006u);
  EXPECT_EQ(decoded->origin().end_position, 1016u);
}

TEST(BatchDocument, TheBuilderMakesItsExample) {
  BatchBuilder builder(example_options());
  builder.set_constant("service", "shop");
  support::feed(builder, "GET /\nGET /cart\n", 1700000000123, 500);
  EXPECT_EQ(support::bytes_of(builder.seal({})), test::bytes_on_page("batch.md"));
}

}  // namespace
}  // namespace flume
