// The lines that torture runs write and look for again. Each says of which run, source, life of the file and number it
// is, and carries a checksum over that and its payload, so that one line found anywhere tells whether it is whole and
// where it belongs:
//
//   ~F<run, 8 hex digits>.<source>.<life>.<number>.<crc32c, 8 hex digits>.<payload>
//
// The payload is any bytes but the newline. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace flume::torture {

struct LineKey {
  uint32_t run = 0;     // tells lines of another run apart
  uint32_t source = 0;  // a path that is written to, whatever file stands there
  uint32_t life = 0;    // counts the rotations of that path: order is promised within one life
  uint64_t number = 0;  // 0, 1, 2 ... within the source, over all its lives

  bool operator==(const LineKey&) const = default;
};

// Appends the line without a newline.
void append_line(std::string& out, const LineKey& key, std::string_view payload);

enum class LineForm : uint8_t {
  kWhole,    // the key is filled in
  kDamaged,  // it was one of ours: it has the mark, at its start or inside, but is not whole
  kForeign,  // nothing of ours
};
LineForm parse_line(std::string_view line, LineKey& key);

}  // namespace flume::torture
