// flume wal cat and flume wal export: a log's rows in an output format.
#include <cstdio>
#include <filesystem>
#include <utility>

#include "common/base/text.h"
#include "common/cli/options.h"
#include "common/io/file_storage.h"
#include "node/cli/wal_commands.h"

namespace flume::node {
namespace {

constexpr char kCat[] = "wal cat";
constexpr char kExport[] = "wal export";
constexpr char kCatText[] =
    "Prints the rows of a log. Damaged places are told on standard error and left out; then the exit code is 1.";
constexpr char kExportText[] =
    "Writes the rows of a log to a new file, which has its name only when it is whole and synced. Damaged places are "
    "told on standard error and left out; then the exit code is 1.";

struct RowOptions {
  std::string folder;
  uint64_t from = 0;
  uint64_t rows = UINT64_MAX;
  std::string format = "raw";
  std::string to;
};

void declare_cat(CLI::App& app, RowOptions& options) {
  app.add_option("dir", options.folder, "the log's folder")->required()->type_name("DIR");
  app.add_option("--from", options.from, "begin with the row of this number")->type_name("N");
  app.add_option("--rows", options.rows, "print no more than so many")->type_name("N");
  app.add_option("--format", options.format, "output format (default: raw, the bodies)")->type_name("FORMAT");
}

void declare_export(CLI::App& app, RowOptions& options) {
  app.add_option("dir", options.folder, "the log's folder")->required()->type_name("DIR");
  app.add_option("--to", options.to, "file to make; nothing is replaced")->required()->type_name("FILE");
  app.add_option("--format", options.format, "output format (default: raw, the bodies)")->type_name("FORMAT");
}

struct Printed {
  uint64_t rows = 0;
  uint64_t damaged = 0;
};

// All that the options ask for; findings go to standard error.
Result<Printed> print_rows(const char* tool, const RowOptions& options, const BatchLimits& limits,
                           wal::LogFolder folder, RowPrinter& printer) {
  wal::LogWalk walk(std::move(folder), local_files(), limits);
  if (options.from > 0) {
    walk.seek(options.from);
  }
  FLUME_RETURN_IF_ERROR(printer.begin());
  Printed printed;
  while (printed.rows < options.rows) {
    FLUME_ASSIGN_OR_RETURN(const wal::LogWalk::Item item, walk.next());
    if (item.kind == wal::LogWalk::Kind::kEnd) {
      break;
    }
    if (item.kind == wal::LogWalk::Kind::kFinding) {
      printed.damaged += item.finding.is_damage() ? 1 : 0;
      FLUME_RETURN_IF_ERROR(printer.flush());
      say_error(tool, finding_line(item.finding));
      continue;
    }
    const auto rows = static_cast<uint32_t>(std::min<uint64_t>(item.batch.rows(), options.rows - printed.rows));
    EventBatch batch = item.batch;
    if (batch.codec() != BlobCodec::kNone) {  // before it is cut
      FLUME_ASSIGN_OR_RETURN(batch, batch.uncompressed(limits));
    }
    FLUME_RETURN_IF_ERROR(printer.print(rows == batch.rows() ? batch : batch.slice(0, rows), limits));
    printed.rows += rows;
  }
  FLUME_RETURN_IF_ERROR(printer.flush());
  return printed;
}

int run_cat(const Settings& settings, std::span<const std::string> args) {
  CLI::App app(kCatText, kCat);
  RowOptions options;
  declare_cat(app, options);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  auto format = make_format(options.format, {});
  if (!format.ok()) {
    say_error(kCat, format.status().message());
    return kExitUsage;
  }
  auto folder = wal::look_at_folder(options.folder, local_files());
  if (!folder.ok()) {
    return wal_failed(kCat, folder.status());
  }
  RowPrinter printer(std::move(*format), write_stdout);
  const auto printed = print_rows(kCat, options, wal_limits(settings), std::move(*folder), printer);
  if (!printed.ok()) {
    return wal_failed(kCat, printed.status());
  }
  return printed->damaged == 0 ? kExitOk : kExitFailed;
}

// A tool never writes into the folder that it looks at.
bool is_inside(const std::string& file, const std::string& folder) {
  std::error_code unknown;
  const auto place = std::filesystem::weakly_canonical(std::filesystem::absolute(file, unknown), unknown);
  const auto base = std::filesystem::weakly_canonical(std::filesystem::absolute(folder, unknown), unknown);
  const std::string way = place.lexically_relative(base).string();
  return !way.empty() && way != "." && !way.starts_with("..");
}

Result<Printed> export_rows(const RowOptions& options, const BatchLimits& limits, wal::LogFolder folder,
                            std::unique_ptr<OutputFormat> format, uint64_t& bytes) {
  FileStorage storage;
  FLUME_ASSIGN_OR_RETURN(const std::unique_ptr<StoredFile> file, storage.create(options.to, Wait{}));
  RowPrinter printer(std::move(format), [&file](std::string_view out) {
    const iovec piece{const_cast<char*>(out.data()), out.size()};
    return file->append({&piece, 1}, Wait{});
  });
  auto printed = print_rows(kExport, options, limits, std::move(folder), printer);
  bytes = file->size();
  const Status status = printed.ok() ? file->commit(Wait{}) : printed.status();
  if (!status.ok()) {
    (void)file->abandon();
    return status;
  }
  return printed;
}

int run_export(const Settings& settings, std::span<const std::string> args) {
  CLI::App app(kExportText, kExport);
  RowOptions options;
  declare_export(app, options);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  auto format = make_format(options.format, {});
  if (!format.ok()) {
    say_error(kExport, format.status().message());
    return kExitUsage;
  }
  if (is_inside(options.to, options.folder)) {
    say_error(kExport, str_cat(quoted(options.to), " is in the log's own folder, where nothing is written"));
    return kExitUsage;
  }
  auto folder = wal::look_at_folder(options.folder, local_files());
  if (!folder.ok()) {
    return wal_failed(kExport, folder.status());
  }
  uint64_t bytes = 0;
  const auto printed = export_rows(options, wal_limits(settings), std::move(*folder), std::move(*format), bytes);
  if (!printed.ok()) {
    return wal_failed(kExport, printed.status());
  }
  std::puts(str_cat(printed->rows, printed->rows == 1 ? " row, " : " rows, ", bytes, " bytes in ", quoted(options.to))
                .c_str());
  return printed->damaged == 0 ? kExitOk : kExitFailed;
}

template <class Declare>
std::string usage(const char* text, const char* name, Declare declare) {
  CLI::App app(text, name);
  RowOptions options;
  declare(app, options);
  return usage_of(app);
}

}  // namespace

WalTool wal_cat_tool(const Settings& settings) {
  return {"cat", usage(kCatText, kCat, declare_cat),
          [&settings](std::span<const std::string> args) { return run_cat(settings, args); }};
}

WalTool wal_export_tool(const Settings& settings) {
  return {"export", usage(kExportText, kExport, declare_export),
          [&settings](std::span<const std::string> args) { return run_export(settings, args); }};
}

}  // namespace flume::node
