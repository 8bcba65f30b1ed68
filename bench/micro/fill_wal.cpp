// bench_fill_wal DIR MEGABYTES: makes a write-ahead log with so many bytes of lines of 203 bytes, to try `flume wal`
// on.
#include <algorithm>
#include <cstdio>
#include <string>

#include "common/base/text.h"
#include "common/wal/wal.h"

namespace {

using namespace flume;  // NOLINT: the whole file is one program

constexpr size_t kLineBytes = 203;  // with its newline

int failed(const Status& status) {
  std::fprintf(stderr, "fill_wal: %s\n", std::string(status.message()).c_str());
  return 1;
}

int fill(const std::string& folder, uint64_t bytes) {
  SystemClock clock;
  wal::WalOptions options;
  options.folder = folder;
  wal::Recovered recovered;
  auto log = wal::Wal::open(options, local_files(), clock, recovered);
  if (!log.ok()) {
    return failed(log.status());
  }
  const Wait wait = Wait::for_duration(std::chrono::minutes(10));
  BuilderOptions builder_options;
  builder_options.host = "bench";
  BatchBuilder builder(builder_options);
  std::string line(kLineBytes, 'x');
  line.back() = '\n';
  for (uint64_t made = 0; made < bytes;) {
    while (!builder.full() && made < bytes) {
      const std::string number = str_cat(made);
      line.replace(0, number.size(), number);
      const auto space = builder.space(line.size());
      std::copy(line.begin(), line.end(), space.begin());
      builder.commit_lines(line.size(), clock.wall_millis(), 0);
      made += line.size();
    }
    const EventBatch batch = builder.seal({});
    while (!(*log)->append(batch).ok()) {  // its queue is full
      if (const Status status = (*log)->flush(wait); !status.ok()) {
        return failed(status);
      }
    }
  }
  const Status status = (*log)->close(wait);
  return status.ok() ? 0 : failed(status);
}

}  // namespace

int main(int argc, char** argv) {
  const auto megabytes = argc == 3 ? parse_number<uint64_t>(argv[2]) : std::nullopt;
  if (!megabytes) {
    std::fputs("usage: bench_fill_wal DIR MEGABYTES\n", stderr);
    return 2;
  }
  return fill(argv[1], *megabytes * 1'000'000);
}
