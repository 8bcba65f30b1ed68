// Expectation: what a torture run wrote, and so what its output must hold. Made by the generator, kept as JSON beside
// the files so that `flume torture check` can account for them at any later time. Value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace flume::torture {

struct SourceExpectation {
  uint32_t id = 0;
  std::string path;
  uint64_t lines = 0;  // numbers 0 to lines - 1

  bool operator==(const SourceExpectation&) const = default;
};

// A line that has no number: a file of one byte, the pieces of an overlong line, a head that many files share.
struct ExtraExpectation {
  std::string name;
  uint64_t length = 0;  // of the line, without its newline
  uint32_t crc = 0;     // crc32c of it
  uint64_t count = 1;

  bool operator==(const ExtraExpectation&) const = default;
};

struct Expectation {
  uint64_t seed = 0;
  uint32_t run = 0;
  uint64_t bytes = 0;  // of all lines, newlines included
  std::vector<SourceExpectation> sources;
  std::vector<ExtraExpectation> extras;

  uint64_t lines() const;
  void add_extra(std::string name, std::string_view line, uint64_t count = 1);  // counts its bytes too
  std::string to_json() const;
  static Result<Expectation> from_json(std::string_view text);  // kInvalid: not such a text

  bool operator==(const Expectation&) const = default;
};

}  // namespace flume::torture
