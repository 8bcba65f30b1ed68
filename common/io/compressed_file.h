// Compression of stored files (flume.collector.dfs.compress.codec): a StoredFile around another one. gzip ends a
// member at each sync, so what was synced is always a complete gzip file; deflate (Hadoop's DefaultCodec, zlib) has no
// members: only commit() makes it durable. One thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/io/storage.h"

namespace flume {

enum class FileCodec : uint8_t { kNone, kGzip, kDeflate };

// As the classic system takes them: None, gzip, GzipCodec, deflate, DefaultCodec (in any case) or the full Java class
// name. kInvalid lists them.
Result<FileCodec> parse_file_codec(std::string_view name);
std::string_view file_codec_extension(FileCodec codec);  // "", ".gz", ".deflate"
// `file` itself for kNone.
std::unique_ptr<StoredFile> compress_file(FileCodec codec, std::unique_ptr<StoredFile> file);

// The length of the complete members at the start of a gzip file. Bounded memory.
uint64_t complete_gzip_length(std::string_view contents);

}  // namespace flume
