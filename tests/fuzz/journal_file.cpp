// Reading of delivery journals: any bytes give records within their bounds, and what was read is read again when it is
// written again.
#include "common/journal/journal_file.h"
#include "tests/support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flume;  // NOLINT: the whole file is this function
  const std::string_view contents = support::fuzz_text(data, size);
  // A fuzzer does not find checksums: what follows the first byte is also tried as the body of a sound record.
  std::string framed(journal::kMagic);
  journal::append_record(framed, journal::Gone{std::string(contents.substr(0, 100))});
  framed += contents;
  for (const std::string_view file : {contents, std::string_view(framed)}) {
    journal::Reader reader(file);
    std::string again(journal::kMagic);
    std::vector<journal::Record> records;
    while (auto record = reader.next()) {
      if (const auto* durable = std::get_if<journal::Durable>(&*record)) {
        support::require(durable->ranges.size() <= journal::kMaxRanges, "ranges keep the limit");
        for (const journal::Range& range : durable->ranges) {
          support::require(range.first < range.below, "no range is empty");
        }
      }
      journal::append_record(again, *record);
      records.push_back(std::move(*record));
    }
    support::require(reader.damaged_bytes() <= file.size(), "no more damage than bytes");
    support::require(again.size() <= file.size() + journal::kMagic.size(), "no more records than bytes");
    journal::Reader second(again);
    for (const journal::Record& record : records) {
      const auto same = second.next();
      support::require(same && *same == record, "a record comes back as it was");
    }
    support::require(!second.next() && second.damaged_bytes() == 0, "and nothing else");
  }
  return 0;
}
