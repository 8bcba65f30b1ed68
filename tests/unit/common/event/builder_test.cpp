#include <gtest/gtest.h>

#include "common/base/random.h"
#include "common/event/batch.h"
#include "common/event/blob_pool.h"
#include "tests/support/batches.h"

namespace flume {
namespace {

using support::feed;

TEST(BatchBuilder, KeepsEveryFieldOfAddedEvents) {
  const std::vector<Event> events = support::mixed_events();
  EXPECT_EQ(support::events_of(support::mixed_batch()), events);
}

TEST(BatchBuilder, CopiesRowsOfABatchWithNewBodies) {
  const EventBatch batch = support::mixed_batch();
  BatchBuilder builder(BuilderOptions{});
  std::vector<Event> expected = support::events_of(batch);
  for (uint32_t i = 0; i < batch.rows(); ++i) {
    ASSERT_TRUE(i % 2 == 0 ? builder.add_row(batch, i) : builder.add_row(batch, i, "new"));
    if (i % 2 == 1) {
      expected[i].body = "new";
    }
  }
  EXPECT_EQ(support::events_of(builder.seal({})), expected);
}

TEST(BatchBuilder, CarriesAnUnfinishedLineIntoTheNextBatch) {
  BatchBuilder builder(support::byte_options());
  feed(builder, "one\ntw");
  EXPECT_EQ(builder.seal({}).blob(), "one\n");
  EXPECT_EQ(builder.unfinished_bytes(), 2u);
  EXPECT_EQ(feed(builder, "o\nthree"), 1u);
  const EventBatch second = builder.seal({});
  EXPECT_EQ(second.blob(), "two\n");
  EXPECT_EQ(second.origin().position, 1004u);
  EXPECT_EQ(builder.end_position(), 1008u);
}

TEST(BatchBuilder, FinishesALineWithoutItsDelimiter) {
  BatchBuilder builder(support::byte_options());
  feed(builder, "one\ntwo");
  EXPECT_TRUE(builder.finish_line(1, 0));
  EXPECT_TRUE(builder.full());
  EXPECT_FALSE(builder.finish_line(1, 0));
  const EventBatch batch = builder.seal({});
  EXPECT_EQ(batch.body(1), "two");
  EXPECT_EQ(batch.blob(), "one\ntwo");
  EXPECT_EQ(batch.body_bytes(), 6u);
  EXPECT_FALSE(batch.blob_is_rows_of("\n"));
  EXPECT_TRUE(batch.slice(0, 1).blob_is_rows_of("\n"));
  EXPECT_FALSE(builder.finish_line(1, 0));
  EXPECT_EQ(support::events_of(*support::decode(support::bytes_of(batch))), support::events_of(batch));
}

TEST(BatchBuilder, FindsDelimitersOfSeveralBytesAcrossReads) {
  BuilderOptions options = support::byte_options();
  options.delimiter = "\r\n\r\n";
  BatchBuilder builder(options);
  EXPECT_EQ(feed(builder, "a\r\n"), 0u);
  EXPECT_EQ(feed(builder, "\r"), 0u);
  EXPECT_EQ(feed(builder, "\nb\r\n\r\nc\r\n"), 2u);
  const EventBatch batch = builder.seal({});
  EXPECT_EQ(batch.body(0), "a");
  EXPECT_EQ(batch.body(1), "b");
  EXPECT_EQ(builder.unfinished_bytes(), 3u);
}

TEST(BatchBuilder, SplitsALineOverTheLimit) {
  BuilderOptions options = support::byte_options();
  options.limits.event_bytes = 10;
  BatchBuilder builder(options);
  std::vector<std::string> rows;
  feed(builder, "short\n0123456789ABCDEFGHIJxyz\nnext\n");
  while (builder.rows() > 0) {
    const EventBatch batch = builder.seal({});
    for (uint32_t i = 0; i < batch.rows(); ++i) {
      EXPECT_EQ(batch.origin_position(i),
                1000 + std::string_view("short\n0123456789ABCDEFGHIJxyz\nnext\n").find(batch.body(i)));
      rows.emplace_back(batch.body(i));
    }
    builder.commit_lines(0, 1, 0);
  }
  EXPECT_EQ(rows, (std::vector<std::string>{"short", "0123456789", "ABCDEFGHIJ", "xyz", "next"}));
  EXPECT_EQ(builder.oversized_rows(), 2u);
  EXPECT_EQ(builder.end_position(), 1035u);
}

TEST(BatchBuilder, CutsALineOverTheLimit) {
  BuilderOptions options = support::byte_options();
  options.limits.event_bytes = 10;
  options.oversize = Oversize::kCut;
  BatchBuilder builder(options);
  std::vector<std::string> rows;
  for (const std::string_view read : {"short\n0123456789ABC", "DEFGHIJxyz", "123\nnext\n", ""}) {
    feed(builder, read);
    while (builder.rows() > 0) {
      const EventBatch batch = builder.seal({});
      for (uint32_t i = 0; i < batch.rows(); ++i) {
        rows.emplace_back(batch.body(i));
      }
      builder.commit_lines(0, 1, 0);
    }
  }
  EXPECT_EQ(rows, (std::vector<std::string>{"short", "0123456789", "next"}));
  EXPECT_EQ(builder.discarded_bytes(), 17u);
  EXPECT_EQ(builder.end_position(), 1038u);
}

TEST(BatchBuilder, PositionsCountBytesThatWereDropped) {
  BatchBuilder builder(support::byte_options());
  feed(builder, "one\ntwo");
  builder.drop_unfinished();
  EXPECT_TRUE(builder.full());
  EXPECT_EQ(builder.seal({}).origin().end_position, 1004u);
  feed(builder, "x\n");
  EXPECT_EQ(builder.seal({}).origin().position, 1007u);
}

TEST(BatchBuilder, CountsRowsWhereTheOriginDoes) {
  BuilderOptions options;
  options.origin.position = 5;
  BatchBuilder builder(options);
  feed(builder, "one\ntwo\nthree\n");
  const EventBatch batch = builder.seal({});
  EXPECT_EQ(batch.origin_position(2), 7u);
  EXPECT_EQ(batch.origin().end_position, 8u);
  EXPECT_EQ(builder.end_position(), 8u);
}

TEST(BatchBuilder, RefusesRowsBeyondTheTarget) {
  BuilderOptions options;
  options.target_bytes = 100;
  BatchBuilder builder(options);
  Event event;
  event.body = std::string(300, 'x');
  EXPECT_TRUE(builder.add(event));  // one row may exceed it
  EXPECT_TRUE(builder.full());
  EXPECT_FALSE(builder.add(event));
  builder.seal({});
  event.body.resize(48);
  EXPECT_TRUE(builder.add(event));
  EXPECT_TRUE(builder.add(event));
  EXPECT_FALSE(builder.add(event));
  EXPECT_EQ(builder.seal({}).rows(), 2u);
}

TEST(BatchBuilder, ChecksEventsFromElsewhere) {
  Event event;
  event.body = std::string(11, 'x');
  BatchLimits limits;
  limits.event_bytes = 10;
  EXPECT_EQ(BatchBuilder::check(event, limits).to_string(), "invalid: an event of 11 bytes; the limit is 10");
  event.body.clear();
  EXPECT_TRUE(BatchBuilder::check(event, limits).ok());
  event.attributes["a"] = std::string(11, 'x');
  EXPECT_EQ(BatchBuilder::check(event, limits).to_string(), "invalid: attribute \"a\" of 11 bytes; the limit is 10");
  event.attributes.clear();
  event.attributes[""] = "x";
  EXPECT_EQ(BatchBuilder::check(event, limits).to_string(),
            "invalid: an attribute named \"\" (0 bytes); a name has 1 to 65535 bytes, none of them NUL");
  event.attributes.clear();
  for (int i = 0; i < 201; ++i) {
    event.attributes[std::to_string(i)] = "";
  }
  EXPECT_EQ(BatchBuilder::check(event, limits).to_string(), "invalid: an event with 201 attributes; the limit is 200");
}

TEST(BatchBuilder, ConstantsBeginWithTheNextBatch) {
  BatchBuilder builder(BuilderOptions{});
  feed(builder, "one\n");
  builder.set_constant("file", "a");
  EXPECT_EQ(builder.seal({}).constant("file"), std::nullopt);
  feed(builder, "two\n");
  EXPECT_EQ(builder.seal({}).constant("file"), "a");
  builder.set_constant("file", "b");
  feed(builder, "three\n");
  EXPECT_EQ(builder.seal({}).constant("file"), "b");
}

TEST(BatchBuilder, SeekDropsWhatIsNotSealed) {
  BatchBuilder builder(support::byte_options());
  feed(builder, "one\ntw");
  builder.seek(50);
  EXPECT_EQ(builder.rows(), 0u);
  EXPECT_EQ(builder.unfinished_bytes(), 0u);
  feed(builder, "x\n");
  EXPECT_EQ(builder.seal({}).origin().position, 50u);
}

TEST(BatchBuilder, GivesItsBufferBackWhenIdle) {
  const auto pool = BlobPool::create(1 << 20, 2);
  BuilderOptions options = support::byte_options();
  options.pool = pool;
  BatchBuilder builder(options);
  feed(builder, "begin");
  EXPECT_EQ(pool->kept(), 0u);
  builder.commit_lines(0, 1, 0);
  EXPECT_EQ(pool->kept(), 1u);
  EXPECT_EQ(builder.unfinished_bytes(), 5u);
  EXPECT_EQ(feed(builder, "ning\n"), 1u);
  EXPECT_EQ(builder.seal({}).body(0), "beginning");
}

TEST(BatchBuilder, UsesBuffersAgainWhenTheLastBatchOverThemGoes) {
  const auto pool = BlobPool::create((256 << 10) + 16384, 2);
  BuilderOptions options = support::byte_options();
  options.pool = pool;
  BatchBuilder builder(options);
  const std::string line = std::string(99999, 'x') + "\n";
  std::vector<EventBatch> held;
  for (int i = 0; i < 4; ++i) {
    feed(builder, line + line);
    held.push_back(builder.seal({}).slice(1, 1));
  }
  EXPECT_EQ(pool->kept(), 0u);
  EXPECT_EQ(held[0].body(0).size(), 99999u);
  held.clear();
  EXPECT_EQ(pool->kept(), 2u);
}

TEST(BatchBuilder, GivesTheSameRowsForAnyReads) {
  Random random(11);
  std::string text;
  while (text.size() < 300000) {
    text.append(random() % 7 == 0 ? 0 : random() % 400, static_cast<char>('a' + random() % 26));
    text.push_back('\n');
  }
  for (const size_t largest : {3UL, 50UL, 1000UL, 70000UL, 300000UL}) {
    BatchBuilder builder(support::byte_options());
    std::string seen;
    uint64_t position = 1000;
    for (size_t at = 0; at < text.size();) {
      const size_t n = std::min(text.size() - at, 1 + random() % largest);
      feed(builder, std::string_view(text).substr(at, n));
      at += n;
      if (builder.rows() > 0 && random() % 3 != 0) {
        const EventBatch batch = builder.seal({});
        ASSERT_EQ(batch.origin().position, position);
        position = batch.origin().end_position;
        for (uint32_t i = 0; i < batch.rows(); ++i) {
          ASSERT_EQ(batch.body(i).find('\n'), std::string_view::npos);
        }
        seen.append(batch.blob());
      }
    }
    if (builder.rows() > 0) {
      seen.append(builder.seal({}).blob());
    }
    ASSERT_EQ(seen, text) << largest;
  }
}

}  // namespace
}  // namespace flume
