#include "common/io/sequence_file.h"

#include <gtest/gtest.h>

#include "common/base/text.h"
#include "tests/support/sequence_blocks.h"
#include "tests/support/temp_dir.h"

namespace flume {
namespace {

constexpr size_t kLimit = 1 << 20;

constexpr SequenceCodec kAllCodecs[] = {SequenceCodec::kNone, SequenceCodec::kDeflate, SequenceCodec::kGzip,
                                        SequenceCodec::kBzip2};

std::string made(SequenceCodec codec, int records) {
  SequenceWriter writer({.key_class = "K", .value_class = std::string(200, 'V'), .codec = codec});
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
  for (const SequenceCodec codec : kAllCodecs) {
    const std::string contents = made(codec, 200);
    const auto [records, status] = read_all(contents);
    EXPECT_TRUE(status.ok()) << status.to_string();
    EXPECT_EQ(records, 200);
    const auto reader = SequenceReader::open(contents, kLimit);
    EXPECT_EQ(reader->header().codec, codec);
    EXPECT_EQ(reader->header().value_class, std::string(200, 'V'));
    EXPECT_NE(contents.find("\xFF\xFF\xFF\xFF"), std::string::npos);  // sync marks are in it
  }
}

TEST(SequenceFile, EveryCutIsATornTailAfterWholeRecords) {
  const std::string contents = made(SequenceCodec::kNone, 40);
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
  const std::string contents = made(SequenceCodec::kDeflate, 30);
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
  const std::string contents = made(SequenceCodec::kNone, 1);
  const size_t start = contents.size() - 12;
  EXPECT_EQ(read_all(contents.substr(0, contents.size() - 1)).second.to_string(),
            str_cat("corrupt: sequence file: at byte ", start, ": a record of 4 bytes with 3 left"));
  std::string bad_key = contents;
  bad_key[start + 7] = 5;
  EXPECT_EQ(read_all(bad_key).second.to_string(),
            str_cat("corrupt: sequence file: at byte ", start, ": a key of 5 bytes in a record of 4"));
}

TEST(SequenceFile, AValueThatInflatesTooFarIsRefused) {
  SequenceWriter writer({.key_class = "K", .value_class = "V", .codec = SequenceCodec::kDeflate});
  std::string out;
  writer.append_header(out);
  writer.append_record("key0", std::string(10 << 20, '\0'), out);
  EXPECT_LT(out.size(), 20'000U);
  EXPECT_EQ(read_all(out, 4096).second.code(), Code::kNoSpace);
}

const std::string kMark = "0123456789abcdef";

// Blocks of ten records each; record i is ("key<i>", 7 * i bytes).
std::string made_of_blocks(SequenceCodec codec, int blocks, std::vector<size_t>* starts = nullptr) {
  std::string out = test::sequence_block_header(codec, "V", kMark);
  for (int block = 0; block < blocks; ++block) {
    std::vector<std::pair<std::string, std::string>> records;
    for (int i = block * 10; i < block * 10 + 10; ++i) {
      records.emplace_back(str_cat("key", i), std::string(static_cast<size_t>(i) * 7, 'v'));
    }
    if (starts != nullptr) {
      starts->push_back(out.size());
    }
    out += test::sequence_block(codec, kMark, records);
  }
  return out;
}

// Numbers of the records that are read when what is bad is stepped over, and how often that was.
std::pair<std::vector<int>, int> read_past_damage(std::string_view contents, size_t limit = kLimit) {
  auto reader = SequenceReader::open(contents, limit).value();
  std::vector<int> read;
  int bad = 0;
  for (;;) {
    const auto record = reader.next();
    if (record.ok() && !record->has_value()) {
      return {read, bad};
    }
    if (record.ok()) {
      read.push_back(parse_number<int>((*record)->key.substr(3)).value_or(-1));
      continue;
    }
    const SequenceReader::Place before = reader.place();
    ++bad;
    EXPECT_TRUE(reader.skip_bad().ok());
    EXPECT_TRUE(reader.place().offset > before.offset || reader.place().in_block > before.in_block);
  }
}

std::vector<int> numbers(int from, int to) {
  std::vector<int> all;
  for (int i = from; i < to; ++i) {
    all.push_back(i);
  }
  return all;
}

TEST(SequenceFile, BlocksAreRead) {
  for (const SequenceCodec codec : {SequenceCodec::kDeflate, SequenceCodec::kGzip, SequenceCodec::kBzip2}) {
    const auto [records, status] = read_all(made_of_blocks(codec, 5));
    EXPECT_TRUE(status.ok()) << status.to_string();
    EXPECT_EQ(records, 50);
  }
}

TEST(SequenceFile, ReadingGoesOnFromEveryPlace) {
  for (const std::string& contents : {made_of_blocks(SequenceCodec::kDeflate, 4), made(SequenceCodec::kGzip, 40)}) {
    auto reader = SequenceReader::open(contents, kLimit).value();
    std::vector<SequenceReader::Place> places = {reader.place()};
    while (reader.next().value()) {
      places.push_back(reader.place());
    }
    ASSERT_EQ(places.size(), 41U);
    for (size_t i = 0; i < places.size(); ++i) {
      auto again = SequenceReader::open(contents, kLimit).value();
      again.seek(places[i]);
      for (size_t record = i; record < 40; ++record) {
        ASSERT_EQ(again.next().value()->key, str_cat("key", record));
      }
      EXPECT_FALSE(again.next().value().has_value());
    }
  }
}

TEST(SequenceFile, ADamagedValueCostsOneRecordAndADamagedBlockOneBlock) {
  std::string contents = made(SequenceCodec::kDeflate, 100);
  contents[contents.find("key40") + 8] ^= 0x55;
  auto [read, bad] = read_past_damage(contents);
  EXPECT_EQ(read.size(), 99U);
  EXPECT_EQ(bad, 1);

  std::vector<size_t> starts;
  contents = made_of_blocks(SequenceCodec::kDeflate, 4, &starts);
  contents[starts[2] - 3] ^= 0x55;  // in the second one's last part
  std::tie(read, bad) = read_past_damage(contents);
  std::vector<int> rest = numbers(0, 10);
  for (const int i : numbers(20, 40)) {
    rest.push_back(i);
  }
  EXPECT_EQ(read, rest);
  EXPECT_EQ(bad, 1);
}

TEST(SequenceFile, BehindALengthThatIsNoneReadingGoesOnAtTheNextMark) {
  std::string contents = made(SequenceCodec::kNone, 100);
  const size_t record = contents.find("key40") - 8;
  contents[record] = '\x7F';
  const auto [read, bad] = read_past_damage(contents);
  EXPECT_EQ(bad, 1);
  EXPECT_EQ(std::vector<int>(read.begin(), read.begin() + 40), numbers(0, 40));
  ASSERT_GT(read.size(), 40U);
  EXPECT_EQ(std::vector<int>(read.begin() + 40, read.end()), numbers(read[40], 100));
}

TEST(SequenceFile, AValueOverTheLimitInABlockCostsItselfOnly) {
  const auto [read, bad] = read_past_damage(made_of_blocks(SequenceCodec::kDeflate, 4), 35 * 7);
  EXPECT_EQ(read, numbers(0, 36));
  EXPECT_EQ(bad, 4);
}

TEST(SequenceFile, EveryFlippedByteOfBlocksIsSurvivedAndCostsOneBlockAtMost) {
  const std::string contents = made_of_blocks(SequenceCodec::kDeflate, 3);
  const size_t header = SequenceReader::open(contents, kLimit)->header().size;
  for (size_t n = header; n < contents.size(); ++n) {
    SCOPED_TRACE(n);
    std::string damaged = contents;
    damaged[n] = static_cast<char>(damaged[n] ^ 0x40);
    EXPECT_GE(read_past_damage(damaged).first.size(), 20U);
  }
}

TEST(SequenceFile, AFileIsReadInPieces) {
  const test::TempDir dir;
  std::string contents;
  SequenceWriter writer({.key_class = "K", .value_class = "V"});
  writer.append_header(contents);
  for (int i = 0; i < 400; ++i) {  // several windows, and a value larger than one
    writer.append_record(str_cat("key", i), std::string(i == 7 ? 700'000 : 3000, static_cast<char>('a' + i % 26)),
                         contents);
  }
  test::write_file(dir / "f.seq", contents);
  auto from_file = SequenceReader::open(sequence_input(local_files().open(dir / "f.seq").value()), kLimit).value();
  auto from_memory = SequenceReader::open(contents, kLimit).value();
  for (int i = 0; i < 400; ++i) {
    const auto one = from_file.next().value();
    const auto other = from_memory.next().value();
    ASSERT_TRUE(one.has_value()) << i;
    ASSERT_EQ(one->key, other->key);
    ASSERT_EQ(one->value, other->value);
  }
  EXPECT_FALSE(from_file.next().value().has_value());
}

}  // namespace
}  // namespace flume
