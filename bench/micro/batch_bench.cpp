// What a batch of 256 KiB of 203-byte lines costs on its way: cut at the source, stamped, encoded, decoded, read,
// compressed (codec: 1 zstd, 2 lz4, 3 gzip).
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "common/base/random.h"
#include "common/base/text.h"
#include "common/event/batch.h"
#include "common/io/crc32c.h"

namespace flume {
namespace {

constexpr size_t kLine = 203;
constexpr size_t kBytes = 256 << 10;

std::string lines() {
  std::string text;
  for (size_t i = 0; text.size() + kLine <= kBytes; ++i) {
    std::string line = "127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /" + std::to_string(i);
    line.resize(kLine - 1, 'x');
    text += line + "\n";
  }
  return text;
}

EventBatch batch_of_lines(BatchBuilder& builder, const std::string& text, AckToken token) {
  std::memcpy(builder.space(text.size()).data(), text.data(), text.size());
  builder.commit_lines(text.size(), 1'600'000'000'000, 1);
  return builder.seal(std::move(token));
}

BatchBuilder builder_of_file() {
  BuilderOptions options;
  options.origin.counts_bytes = true;
  options.host = "host";
  BatchBuilder builder(std::move(options));
  builder.set_constant("tailSrcFile", "access.log");
  return builder;
}

Buffer buffer_of(const EventBatch& batch) {
  const EventBatch::Encoded encoded = batch.encoded();
  auto data = std::make_shared<char[]>(encoded.size());
  char* at = data.get();
  for (const iovec& piece : encoded.pieces) {
    std::memcpy(at, piece.iov_base, piece.iov_len);
    at += piece.iov_len;
  }
  return {std::move(data), encoded.size()};
}

void bytes_processed(benchmark::State& state, size_t bytes) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(bytes));
}

void cut_and_seal(benchmark::State& state) {
  const std::string text = lines();
  BatchBuilder builder = builder_of_file();
  for (auto _ : state) {
    benchmark::DoNotOptimize(batch_of_lines(builder, text, {}));
  }
  bytes_processed(state, text.size());
}
BENCHMARK(cut_and_seal);

void decode(benchmark::State& state) {
  const std::string text = lines();
  BatchBuilder builder = builder_of_file();
  const Buffer bytes = buffer_of(batch_of_lines(builder, text, {}));
  for (auto _ : state) {
    benchmark::DoNotOptimize(EventBatch::decode(bytes, BatchLimits(), {}));
  }
  bytes_processed(state, bytes.size);
}
BENCHMARK(decode);

void add_attribute(benchmark::State& state) {
  BatchBuilder builder = builder_of_file();
  const EventBatch batch = batch_of_lines(builder, lines(), {});
  for (auto _ : state) {
    benchmark::DoNotOptimize(batch.with_constant("rolltag", "20000101-000000000+0000.1.1"));
  }
}
BENCHMARK(add_attribute);

void stamp_hop(benchmark::State& state) {
  BatchBuilder builder = builder_of_file();
  const EventBatch batch = batch_of_lines(builder, lines(), {});
  Hop hop;
  for (auto _ : state) {
    hop.ordinal += batch.rows();
    benchmark::DoNotOptimize(batch.with_hop(hop));
  }
}
BENCHMARK(stamp_hop);

void slice_and_read_bodies(benchmark::State& state) {
  BatchBuilder builder = builder_of_file();
  const EventBatch batch = batch_of_lines(builder, lines(), {});
  for (auto _ : state) {
    const EventBatch rest = batch.from(1);
    size_t bytes = 0;
    for (uint32_t row = 0; row < rest.rows(); ++row) {
      bytes += rest.body(row).size();
    }
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * batch.rows());
}
BENCHMARK(slice_and_read_bodies);

void token_life(benchmark::State& state) {
  const auto tracker = AckTracker::create(0);
  uint64_t position = 0;
  for (auto _ : state) {
    tracker->issue(++position, 1, 1).settle(1, Outcome::kDelivered, {}, 1);
  }
}
BENCHMARK(token_life);

void checksum(benchmark::State& state) {
  const std::string text = lines();
  for (auto _ : state) {
    benchmark::DoNotOptimize(crc32c(text));
  }
  bytes_processed(state, text.size());
}
BENCHMARK(checksum);

// Access log lines whose addresses, times, paths and sizes differ.
std::string log_lines() {
  Random random(1);
  std::string text;
  while (text.size() + 2 * kLine <= kBytes) {
    str_append(text, "10.", random() % 4, ".", random() % 256, ".", random() % 256,
               " - - [10/Oct/2000:13:", 10 + random() % 50, ":", 10 + random() % 50, " -0700] \"GET /articles/",
               random() % 100'000, "?from=", random() % 1000, " HTTP/1.1\" 200 ", random() % 100'000,
               " \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\" ", random(), "\n");
  }
  return text;
}

void compress(benchmark::State& state) {
  const std::string text = log_lines();
  BatchBuilder builder = builder_of_file();
  const EventBatch batch = batch_of_lines(builder, text, {});
  size_t stored = 0;
  for (auto _ : state) {
    stored = batch.compressed(static_cast<BlobCodec>(state.range(0)))->encoded().size();
  }
  bytes_processed(state, text.size());
  state.counters["ratio"] = static_cast<double>(text.size()) / static_cast<double>(stored);
}
BENCHMARK(compress)->DenseRange(1, 3)->ArgName("codec");

void uncompress(benchmark::State& state) {
  const std::string text = log_lines();
  BatchBuilder builder = builder_of_file();
  const EventBatch batch = batch_of_lines(builder, text, {}).compressed(static_cast<BlobCodec>(state.range(0))).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(batch.uncompressed({}));
  }
  bytes_processed(state, text.size());
}
BENCHMARK(uncompress)->DenseRange(1, 3)->ArgName("codec");

}  // namespace
}  // namespace flume
