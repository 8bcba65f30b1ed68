// docs/formats/journal.md tells the truth: its example is read from the page, and our writer makes the same bytes.
#include <gtest/gtest.h>

#include "common/base/text.h"
#include "common/journal/journal_file.h"
#include "tests/support/hex_page.h"

namespace flume::journal {
namespace {

std::vector<Record> example() {
  Id128 stream;
  for (uint8_t i = 0; i < stream.size(); ++i) {
    stream[i] = static_cast<uint8_t>(0x20 + i);
  }
  return {Begin{"/d/web", {0x801, 131, 1'700'000'000'000'000'000}, 0, false, 1'700'000'000'123},
          Durable{"sink", "/d/web", 58, {{stream, 0, 5, 0x7766554433221101}}, 1'700'000'000'456}, Gone{"/d/web"}};
}

TEST(JournalDocument, ItsExampleIsReadAsItSays) {
  const std::string bytes = test::bytes_on_page("journal.md");
  Reader reader(bytes);
  std::vector<Record> records;
  while (auto record = reader.next()) {
    records.push_back(std::move(*record));
  }
  EXPECT_EQ(records, example());
  EXPECT_EQ(reader.damaged_bytes(), 0U);
}

TEST(JournalDocument, TheWriterMakesItsExample) {
  std::string bytes(kMagic);
  for (const Record& record : example()) {
    append_record(bytes, record);
  }
  EXPECT_EQ(to_hex({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}),
            to_hex({reinterpret_cast<const uint8_t*>(test::bytes_on_page("journal.md").data()),
                    test::bytes_on_page("journal.md").size()}));
}

TEST(JournalFile, EveryCutAndEveryFlippedBitIsNoticed) {
  std::string bytes(kMagic);
  for (const Record& record : example()) {
    append_record(bytes, record);
  }
  for (size_t length = 0; length < bytes.size(); ++length) {
    Reader reader(std::string_view(bytes).substr(0, length));
    for (size_t i = 0; const auto record = reader.next(); ++i) {
      ASSERT_EQ(*record, example()[i]);
    }
    ASSERT_EQ(reader.damaged_bytes(), 0U);
  }
  for (size_t bit = kMagic.size() * 8; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    Reader reader(flipped);
    size_t records = 0;
    while (reader.next()) {
      ++records;
    }
    ASSERT_EQ(records, 2U) << "bit " << bit;
  }
}

}  // namespace
}  // namespace flume::journal
