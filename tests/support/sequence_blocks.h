// Writes SequenceFiles with block compression, for tests of their reading; the product writes none.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/io/sequence_file.h"

namespace flume::test {

inline void append_vint(std::string& out, uint32_t n) {
  if (n <= 127) {
    out.push_back(static_cast<char>(n));
    return;
  }
  int bytes = 1;
  while (bytes < 4 && n >> (8 * bytes) != 0) {
    ++bytes;
  }
  out.push_back(static_cast<char>(-112 - bytes));
  for (int i = bytes - 1; i >= 0; --i) {
    out.push_back(static_cast<char>(n >> (8 * i)));
  }
}

inline std::string sequence_block_header(SequenceCodec codec, std::string_view value_class, const std::string& mark) {
  std::string out = "SEQ\x06\x01K";
  append_vint(out, static_cast<uint32_t>(value_class.size()));
  out += value_class;
  out += "\x01\x01";
  const std::string_view name = sequence_codec_class(codec);
  append_vint(out, static_cast<uint32_t>(name.size()));
  out += name;
  return out + std::string(4, '\0') + mark;
}

inline std::string sequence_block(SequenceCodec codec, const std::string& mark,
                                  const std::vector<std::pair<std::string, std::string>>& records) {
  std::string key_lengths, keys, value_lengths, values;
  for (const auto& [key, value] : records) {
    append_vint(key_lengths, static_cast<uint32_t>(key.size()));
    keys += key;
    append_vint(value_lengths, static_cast<uint32_t>(value.size()));
    values += value;
  }
  std::string out = std::string(4, '\xFF') + mark;
  append_vint(out, static_cast<uint32_t>(records.size()));
  SequenceCompressor compressor(codec);
  for (const std::string& part : {key_lengths, keys, value_lengths, values}) {
    std::string packed;
    compressor.run(part, packed);
    append_vint(out, static_cast<uint32_t>(packed.size()));
    out += packed;
  }
  return out;
}

}  // namespace flume::test
