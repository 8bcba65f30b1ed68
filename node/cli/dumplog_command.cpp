// flume dumplog: the events of one file of a log, of this system or the classic one, told apart by its first bytes.
#include <utility>

#include "common/base/text.h"
#include "common/cli/options.h"
#include "common/io/event_sequence.h"
#include "node/cli/wal_commands.h"

namespace flume::node {
namespace {

constexpr char kName[] = "dumplog";
constexpr char kText[] =
    "Prints the events of one file: a segment of a write-ahead log, or a SequenceFile of events (logs of the classic "
    "system, what dfs and seqfile sinks write). Damaged places are told on standard error and left out; then the exit "
    "code is 1.";
constexpr std::string_view kSegmentStart = "FLWAL";
constexpr std::string_view kSequenceStart = "SEQ";

struct DumpOptions {
  std::string file;
  std::string format = "avrojson";
  bool raw = false;
};

void declare(CLI::App& app, DumpOptions& options) {
  app.add_option("file", options.file, "the file")->required()->type_name("FILE");
  app.add_option("--format", options.format, "output format (default: avrojson, from which replay reads all back)")
      ->type_name("FORMAT");
  app.add_flag("--raw", options.raw, "the bodies only: --format raw");
}

// How many places were left out.
Result<uint64_t> dump_segment(const LogFile& file, const BatchLimits& limits, RowPrinter& printer) {
  using Kind = wal::SegmentReader::Kind;
  wal::SegmentReader reader(file, limits);
  uint64_t damaged = 0;
  if (const auto header = reader.header(); !header.ok()) {
    if (header.status().code() != Code::kCorrupt) {
      return header.status();
    }
    ++damaged;
    say_error(kName, str_cat("damaged: ", header.status().message()));
  }
  for (;;) {
    FLUME_ASSIGN_OR_RETURN(const wal::SegmentReader::Item item, reader.next());
    if (item.kind == Kind::kEnd) {
      return damaged;
    }
    if (item.kind == Kind::kBatch) {
      FLUME_RETURN_IF_ERROR(printer.print(item.batch, limits));
    } else if (item.kind != Kind::kFooter) {
      const bool is_torn = item.kind == Kind::kTorn;
      damaged += is_torn ? 0 : 1;
      FLUME_RETURN_IF_ERROR(printer.flush());
      say_error(kName, finding_line({is_torn ? wal::Finding::Kind::kTorn : wal::Finding::Kind::kDamage, file.path(),
                                     item.offset, item.end_offset - item.offset, item.why}));
    }
  }
}

Result<uint64_t> dump_sequence(std::unique_ptr<LogFile> file, const BatchLimits& limits, RowPrinter& printer) {
  const std::string path = file->path();
  auto reader = EventSequenceReader::open(sequence_input(std::move(file)), limits);
  if (!reader.ok()) {
    return reader.status().with_context(quoted(path));
  }
  uint64_t damaged = 0;
  for (;;) {
    FLUME_ASSIGN_OR_RETURN(const EventSequenceReader::Item item, reader->next());
    if (item.kind == EventSequenceReader::Kind::kEnd) {
      return damaged;
    }
    if (item.kind == EventSequenceReader::Kind::kEvent) {
      FLUME_RETURN_IF_ERROR(printer.print(item.event));
      continue;
    }
    ++damaged;
    FLUME_RETURN_IF_ERROR(printer.flush());
    say_error(kName,
              finding_line({wal::Finding::Kind::kDamage, path, item.offset, item.end_offset - item.offset, item.why}));
  }
}

Result<uint64_t> dump(const std::string& path, const BatchLimits& limits, RowPrinter& printer) {
  FLUME_ASSIGN_OR_RETURN(std::unique_ptr<LogFile> file, local_files().open(path));
  std::string start(8, '\0');
  FLUME_ASSIGN_OR_RETURN(const size_t got, file->read_at(0, std::span(start.data(), start.size())));
  start.resize(got);
  const bool is_segment = start.starts_with(kSegmentStart);
  if (!is_segment && !start.starts_with(kSequenceStart)) {
    return invalid(str_cat(quoted(path), ": neither a segment of a log nor a SequenceFile, by its first bytes"));
  }
  FLUME_RETURN_IF_ERROR(printer.begin());
  FLUME_ASSIGN_OR_RETURN(const uint64_t damaged, is_segment ? dump_segment(*file, limits, printer)
                                                            : dump_sequence(std::move(file), limits, printer));
  FLUME_RETURN_IF_ERROR(printer.flush());
  return damaged;
}

int run_dumplog(const Settings& settings, std::span<const std::string> args) {
  CLI::App app(kText, kName);
  DumpOptions options;
  declare(app, options);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  if (options.raw && app.count("--format") > 0) {
    say_error(kName, "either --raw or --format, not both");
    return kExitUsage;
  }
  auto format = make_format(options.raw ? "raw" : options.format, {});
  if (!format.ok()) {
    say_error(kName, format.status().message());
    return kExitUsage;
  }
  RowPrinter printer(std::move(*format), write_stdout);
  const auto damaged = dump(options.file, wal_limits(settings), printer);
  if (!damaged.ok()) {
    return wal_failed(kName, damaged.status());
  }
  return *damaged == 0 ? kExitOk : kExitFailed;
}

}  // namespace

Command dumplog_command(const Settings& settings) {
  CLI::App app(kText, kName);
  DumpOptions unused;
  declare(app, unused);
  return {kName, "show the events of one file of a log", usage_of(app),
          [&settings](std::span<const std::string> args) { return run_dumplog(settings, args); }};
}

}  // namespace flume::node
