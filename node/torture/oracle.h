// Oracle: reads the output of a run and accounts for every line of it: lost, duplicated, reordered, damaged, foreign.
// Output files are fed one after another in the order in which they were written. Memory is bounded by the lines
// expected (one bit each) and one line, whatever the output.
//
// One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/status.h"
#include "node/torture/expectation.h"
#include "node/torture/line.h"

namespace flume::torture {

// What became of the lines. Each kind has its first examples, with their places.
struct Account {
  uint64_t expected = 0;
  uint64_t lines = 0;  // found, of every kind
  uint64_t bytes = 0;
  uint64_t lost = 0;
  uint64_t duplicated = 0;
  uint64_t reordered = 0;  // seen for the first time after a later line of the same life
  uint64_t damaged = 0;
  uint64_t foreign = 0;
  // Places where a life goes back to an earlier number, or to the same: one for each repetition of a whole window.
  uint64_t rewinds = 0;
  uint64_t ends_missing = 0;  // sources whose last line is lost
  std::vector<std::string> examples;

  bool perfect() const { return lost + duplicated + reordered + damaged + foreign == 0; }
  std::string to_text() const;  // one line of counts, then the examples, each on its own
  std::string to_json() const;  // one object, a newline behind it
};

class Oracle {
 public:
  static constexpr size_t kLongestLine = 80U << 20;   // what is longer is damaged
  static constexpr uint64_t kMostLines = 1ULL << 40;  // of one source; a larger number is foreign
  static constexpr size_t kExamples = 10;             // of each kind

  // Without an expectation lines lost at the end of a source cannot be known, and any run is taken.
  explicit Oracle(std::optional<Expectation> expectation);

  // Order is that of one folder's files: two folders are two outputs, between which nothing is promised.
  void begin_file(std::string name);
  void feed(std::string_view bytes);
  void end_file();  // a last line without a newline counts as a line
  Status read_file(const std::string& path);
  Account finish();  // once, after the last file

 private:
  static constexpr uint64_t kChunkLines = 1U << 16;
  using Chunk = std::array<uint64_t, kChunkLines / 64>;
  struct Life {
    uint64_t highest = 0;   // plus 1; 0 = none yet
    uint64_t previous = 0;  // the same of the line before
  };
  struct Seen {
    std::map<uint64_t, std::unique_ptr<Chunk>> chunks;
    std::unordered_map<uint32_t, Life> lives;
    uint64_t count = 0;    // different lines
    uint64_t highest = 0;  // plus 1
    bool has(uint64_t number) const;
    bool add(uint64_t number);  // false: it was there already
  };
  struct ExtraSeen {
    std::string name;
    uint64_t wanted = 0;
    uint64_t count = 0;
  };
  enum Kind : uint8_t { kLost, kDuplicated, kReordered, kDamaged, kForeign, kKinds };

  void take_line(std::string_view line);
  void take_whole(const LineKey& key);
  bool take_extra(std::string_view line);
  void example(Kind kind, const std::string& text);
  std::string place() const;
  void account_source(uint32_t id, uint64_t lines, const Seen* seen);

  std::optional<Expectation> expectation_;
  std::unordered_map<uint32_t, uint64_t> wanted_;  // lines of each source
  std::unordered_map<uint32_t, Seen> seen_;
  std::unordered_map<uint64_t, ExtraSeen> extras_;  // by length and checksum
  std::array<size_t, kKinds> examples_{};
  Account account_;
  std::string file_;
  uint64_t line_number_ = 0;
  uint64_t offset_ = 0;   // of the current line
  std::string partial_;   // start of a line that goes on in the next piece
  uint64_t skipped_ = 0;  // bytes of an overlong line that were not kept
};

// All files below `folder` that hold output: also those still under a working name (.tmp), which sort as if they had
// their own; not what was set aside (.aside). Runs of digits sort by their value, so that "part.2" comes before
// "part.10".
std::vector<std::string> output_files(const std::string& folder);
bool natural_less(std::string_view a, std::string_view b);

// The whole account of some files. An error: a file cannot be read.
Result<Account> check_files(const std::vector<std::string>& files, const std::optional<Expectation>& expectation);

}  // namespace flume::torture
