// flume wal ls and flume wal verify.
#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/base/units.h"
#include "common/cli/options.h"
#include "common/json/json.h"
#include "node/cli/wal_commands.h"

namespace flume::node {
namespace {

constexpr char kLs[] = "wal ls";
constexpr char kVerify[] = "wal verify";
constexpr char kLsText[] =
    "Shows a line for each segment and what recoveries set aside in error/. Sealed segments are told from their "
    "footers: `flume wal verify` looks at every byte.";
constexpr char kVerifyText[] = "Checks every byte of a log and reports each damaged place.";

using wal::Finding;
using wal::SegmentSummary;

// "00000000000000000000.open"
std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Of an open file that another one follows, a write failed: nobody writes it any more, and the next recovery copies it.
const char* state_text(const std::vector<SegmentSummary>& segments, size_t at) {
  if (segments[at].name.state == wal::SegmentState::kSealed) {
    return "sealed";
  }
  return at + 1 == segments.size() ? "open" : "unfinished";
}

// The largest unit that it has one of: "3d", "2h", "15m", "8s".
std::string age_text(int64_t millis) {
  const int64_t seconds = std::max<int64_t>(millis, 0) / 1000;
  const std::pair<int64_t, char> units[] = {{86'400, 'd'}, {3600, 'h'}, {60, 'm'}};
  for (const auto& [length, letter] : units) {
    if (seconds >= length) {
      return str_cat(seconds / length, letter);
    }
  }
  return str_cat(seconds, 's');
}

size_t damages(const SegmentSummary& segment) {
  return static_cast<size_t>(
      std::count_if(segment.findings.begin(), segment.findings.end(), [](const Finding& f) { return f.is_damage(); }));
}

// Columns as wide as their longest text; numbers stand at the right.
std::string table(const std::vector<std::vector<std::string>>& rows, const std::vector<bool>& is_number) {
  std::vector<size_t> widths(is_number.size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string blanks(widths[i] - row[i].size(), ' ');
      str_append(line, i == 0 ? "" : "  ", is_number[i] ? blanks : "", row[i], is_number[i] ? "" : blanks);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    str_append(out, line, "\n");
  }
  return out;
}

std::string ls_text(const std::vector<SegmentSummary>& segments, const std::vector<wal::KeptBytes>& kept,
                    int64_t now_millis) {
  constexpr size_t kStreamDigits = 8;  // enough to tell apart; --json has all
  std::vector<std::vector<std::string>> rows = {
      {"SEGMENT", "STATE", "STREAM", "FIRST", "END", "ROWS", "BYTES", "AGE", "DAMAGE"}};
  std::string notes;
  for (size_t i = 0; i < segments.size(); ++i) {
    const SegmentSummary& segment = segments[i];
    rows.push_back({file_name(segment.path), state_text(segments, i),
                    segment.header ? to_hex(segment.header->stream).substr(0, kStreamDigits) : "?",
                    str_cat(segment.name.first_ordinal), str_cat(segment.end_ordinal), str_cat(segment.rows),
                    str_cat(segment.bytes),
                    segment.header ? age_text(now_millis - segment.header->created_millis) : "?",
                    damages(segment) == 0 ? "-" : str_cat(damages(segment))});
    for (const Finding& finding : segment.findings) {
      str_append(notes, finding_line(finding), "\n");
    }
  }
  std::string out = table(rows, {false, false, false, true, true, true, true, true, true}) + notes;
  for (const wal::KeptBytes& bytes : kept) {
    str_append(out, "set aside: ", quoted(bytes.path), ", ", bytes.bytes, " bytes\n");
  }
  return out;
}

std::string ls_json(const std::vector<SegmentSummary>& segments, const std::vector<wal::KeptBytes>& kept) {
  JsonWriter json;
  json.begin_object().key("segments").begin_array();
  for (size_t i = 0; i < segments.size(); ++i) {
    const SegmentSummary& segment = segments[i];
    json.begin_object();
    json.member("name", file_name(segment.path));
    json.member("state", state_text(segments, i));
    if (segment.header) {
      json.member("stream", to_hex(segment.header->stream));
      json.member("created_ms", segment.header->created_millis);
    }
    json.member("first", segment.name.first_ordinal).member("end", segment.end_ordinal);
    json.member("rows", segment.rows).member("bytes", segment.bytes);
    json.key("damage").begin_array();
    for (const Finding& finding : segment.findings) {
      if (finding.is_damage()) {
        json.begin_object().member("offset", finding.offset).member("bytes", finding.bytes);
        json.member("why", finding.why).end_object();
      }
    }
    json.end_array().end_object();
  }
  json.end_array().key("set_aside").begin_array();
  for (const wal::KeptBytes& bytes : kept) {
    json.begin_object().member("name", file_name(bytes.path)).member("bytes", bytes.bytes).end_object();
  }
  json.end_array().end_object();
  return json.take() + "\n";
}

struct LookOptions {
  std::string folder;
  bool json = false;
};

void declare_ls(CLI::App& app, LookOptions& options) {
  app.add_option("dir", options.folder, "the log's folder")->required()->type_name("DIR");
  app.add_flag("--json", options.json, "print JSON");
}

void declare_verify(CLI::App& app, LookOptions& options) {
  app.add_option("dir", options.folder, "the log's folder")->required()->type_name("DIR");
}

int run_ls(const Settings& settings, std::span<const std::string> args) {
  CLI::App app(kLsText, kLs);
  LookOptions options;
  declare_ls(app, options);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  const auto folder = wal::look_at_folder(options.folder, local_files());
  if (!folder.ok()) {
    return wal_failed(kLs, folder.status());
  }
  std::vector<SegmentSummary> segments;
  for (const wal::LogSegment& segment : folder->segments) {
    auto summary = wal::summarize(segment, local_files(), wal_limits(settings));
    if (!summary.ok()) {
      return wal_failed(kLs, summary.status());
    }
    if (*summary) {
      segments.push_back(std::move(**summary));
    }
  }
  SystemClock clock;
  const std::string out =
      options.json ? ls_json(segments, folder->kept) : ls_text(segments, folder->kept, clock.wall_millis());
  const Status status = write_stdout(out);
  return status.ok() ? kExitOk : wal_failed(kLs, status);
}

int run_verify(const Settings& settings, std::span<const std::string> args) {
  CLI::App app(kVerifyText, kVerify);
  LookOptions options;
  declare_verify(app, options);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  auto folder = wal::look_at_folder(options.folder, local_files());
  if (!folder.ok()) {
    return wal_failed(kVerify, folder.status());
  }
  for (const wal::KeptBytes& bytes : folder->kept) {
    std::puts(str_cat("set aside: ", quoted(bytes.path), ", ", bytes.bytes, " bytes").c_str());
  }
  wal::LogWalk walk(std::move(*folder), local_files(), wal_limits(settings));
  uint64_t rows = 0;
  size_t damaged = 0;
  for (;;) {
    const auto item = walk.next();
    if (!item.ok()) {
      return wal_failed(kVerify, item.status());
    }
    if (item->kind == wal::LogWalk::Kind::kEnd) {
      break;
    }
    if (item->kind == wal::LogWalk::Kind::kRows) {
      rows += item->batch.rows();
      continue;
    }
    damaged += item->finding.is_damage() ? 1 : 0;
    std::puts(finding_line(item->finding).c_str());
  }
  const size_t segments = walk.folder().segments.size();
  std::puts(str_cat(segments, segments == 1 ? " segment, " : " segments, ", rows, rows == 1 ? " row: " : " rows: ",
                    damaged == 0 ? std::string("good")
                                 : str_cat(damaged, damaged == 1 ? " place is" : " places are", " not good"))
                .c_str());
  return damaged == 0 ? kExitOk : kExitFailed;
}

template <class Declare>
std::string usage(const char* text, const char* name, Declare declare) {
  CLI::App app(text, name);
  LookOptions options;
  declare(app, options);
  return usage_of(app);
}

}  // namespace

WalTool wal_ls_tool(const Settings& settings) {
  return {"ls", usage(kLsText, kLs, declare_ls),
          [&settings](std::span<const std::string> args) { return run_ls(settings, args); }};
}

WalTool wal_verify_tool(const Settings& settings) {
  return {"verify", usage(kVerifyText, kVerify, declare_verify),
          [&settings](std::span<const std::string> args) { return run_verify(settings, args); }};
}

}  // namespace flume::node
