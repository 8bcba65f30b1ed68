#include "common/io/sequence_file.h"

#include <gtest/gtest.h>

#include "common/base/text.h"

namespace flume {
namespace {

constexpr size_t kLimit = 1 << 20;

std::string made(bool compressed, int records) {
  SequenceWriter writer({.key_class = "K", .value_class = std::string(200, 'V'), .compressed = compressed});
  std::string out;
  writer.append_header(out);
  for (int i = 0; i < records; ++i) {
    writer.append_record(str_cat("key", i), std::string(static_cast<size_t>(i) * 7, 'v'), out);
  }
  return out;
}

// The number of records, and the error that ended the reading.
std::pair<int, Status> read_all(std::string_view contents, size_t limit = kLimit) {
  auto reader = SequenceReader::open(contents, limit);
  if (!reader.ok()) {
    return {0, reader.status()};
  }
  int records = 0;
  for (;;) {
    const auto record = reader->next();
    if (!record.ok() || !record->has_value()) {
      return {records, record.status()};
    }
    EXPECT_EQ((*record)->key, str_cat("key", records));
    EXPECT_EQ((*record)->value, std::string(static_cast<size_t>(records) * 7, 'v'));
    ++records;
  }
}

TEST(SequenceFile, ReadsWhatItWrote) {
  for (const bool compressed : {false, true}) {
    const std::string contents = made(compressed, 200);
    const auto [records, status] = read_all(contents);
    EXPECT_TRUE(status.ok()) << status.to_string();
    EXPECT_EQ(records, 200);
    const auto reader = SequenceReader::open(contents, kLimit);
    EXPECT_EQ(reader->header().compressed, compressed);
    EXPECT_EQ(reader->header().value_class, std::string(200, 'V'));
    EXPECT_NE(contents.find("\xFF\xFF\xFF\xFF"), std::string::npos);  // sync marks are in it
  }
}

TEST(SequenceFile, EveryCutIsATornTailAfterWholeRecords) {
  const std::string contents = made(false, 40);
  int last = 0;
  for (size_t n = 0; n < contents.size(); ++n) {
    const auto [records, status] = read_all(contents.substr(0, n));
    EXPECT_GE(records, last);
    last = records;
    if (!status.ok()) {
      EXPECT_EQ(status.code(), n == 3 ? Code::kUnsupported : Code::kCorrupt) << n << " " << status.to_string();
    }
  }
  EXPECT_EQ(last, 39);
}

TEST(SequenceFile, EveryFlippedByteIsSurvived) {
  const std::string contents = made(true, 30);
  for (size_t n = 0; n < contents.size(); ++n) {
    std::string damaged = contents;
    damaged[n] = static_cast<char>(damaged[n] ^ 0x40);
    auto reader = SequenceReader::open(damaged, kLimit);
    while (reader.ok()) {
      const auto record = reader->next();
      if (!record.ok() || !record->has_value()) {
        break;
      }
    }
  }
}

TEST(SequenceFile, ErrorsSayWhereAndWhat) {
  EXPECT_EQ(read_all("PK\x03\x04").second.to_string(), "corrupt: sequence file: at byte 0: no SequenceFile");
  EXPECT_EQ(read_all("SEQ\x04").second.to_string(), "unsupported: sequence file: version 4 is not supported");
  const std::string contents = made(false, 1);
  const size_t start = contents.size() - 12;
  EXPECT_EQ(read_all(contents.substr(0, contents.size() - 1)).second.to_string(),
            str_cat("corrupt: sequence file: at byte ", start, ": a record of 4 bytes with 3 left"));
  std::string bad_key = contents;
  bad_key[start + 7] = 5;
  EXPECT_EQ(read_all(bad_key).second.to_string(),
            str_cat("corrupt: sequence file: at byte ", start, ": a key of 5 bytes in a record of 4"));
}

TEST(SequenceFile, AValueThatInflatesTooFarIsRefused) {
  SequenceWriter writer({.key_class = "K", .value_class = "V", .compressed = true});
  std::string out;
  writer.append_header(out);
  writer.append_record("key0", std::string(10 << 20, '\0'), out);
  EXPECT_LT(out.size(), 20'000U);
  EXPECT_EQ(read_all(out, 4096).second.code(), Code::kNoSpace);
}

}  // namespace
}  // namespace flume
