// Reading of a log's segments: whatever bytes lie in the file, every row is read once, in order, and every finding
// lies in the file.
#include "common/wal/log_folder.h"
#include "tests/support/crash_files.h"
#include "tests/support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flume;  // NOLINT: the whole file is this function
  // The first byte tells which name the file has.
  const bool is_sealed = size > 0 && (data[0] & 1) != 0;
  const std::string_view contents = size == 0 ? std::string_view() : support::fuzz_text(data + 1, size - 1);
  test::CrashFiles files;
  {
    const auto state = is_sealed ? wal::SegmentState::kSealed : wal::SegmentState::kOpen;
    auto file = files.create("/log/" + wal::SegmentName{0, state}.text());
    const iovec piece{const_cast<char*>(contents.data()), contents.size()};
    support::require(file.ok() && (*file)->append({&piece, 1}).ok(), "a file in memory is made");
  }
  wal::LogWalk walk(wal::look_at_folder("/log", files).value(), files, {});
  uint64_t next_row = 0;
  for (size_t steps = 0;; ++steps) {
    support::require(steps <= size + 4, "reading comes to an end");
    const auto item = walk.next();
    support::require(item.ok(), "memory can be read");
    if (item->kind == wal::LogWalk::Kind::kEnd) {
      return 0;
    }
    if (item->kind == wal::LogWalk::Kind::kFinding) {
      support::require(item->finding.offset + item->finding.bytes <= contents.size(), "a finding lies in the file");
      continue;
    }
    for (uint32_t row = 0; row < item->batch.rows(); ++row) {
      const uint64_t ordinal = item->batch.hop_ordinal(row);
      support::require(ordinal >= next_row && ordinal != UINT64_MAX, "numbers grow");
      next_row = ordinal + 1;
    }
  }
}
