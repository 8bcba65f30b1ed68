// dfs, formatDfs, escapedFormatDfs: files of a store, under their final names only when they are complete.
#include "common/base/text.h"
#include "common/io/event_sequence.h"
#include "node/runtime/formats.h"
#include "node/runtime/registry.h"
#include "node/storing/storing_sink.h"

namespace flume::node {

namespace {

constexpr char kStoredDoc[] =
    "A file has the name with `.tmp` behind it while it is written and gets its own when it is complete and synced; "
    "nothing is ever replaced: if the name is taken, `.1`, `.2` ... is put behind it. Rows count as delivered once "
    "they are synced to disk (`ack=\"sync\"`, at most `flume.storage.sync.millis` after they were written) or once the "
    "file has its name (`ack=\"commit\"`). Files that a crash left are published as far as their rows are complete "
    "when the sink opens, or set aside as `.aside`. When the disk is full, reading stops until there is room again. "
    "Paths are local (`/a/b` or `file:///a/b`); other stores are an error in this version.";
constexpr char kCompressDoc[] = " Files are compressed as `flume.collector.dfs.compress.codec` says.";

lang::ArgSpec path_argument(lang::ArgType type, std::string doc) {
  return {.name = "path", .doc = std::move(doc), .type = type, .required = true};
}

lang::ArgSpec ack_argument() {
  return {.name = "ack",
          .doc = "When rows count as delivered: synced to disk, or published under the final name.",
          .default_text = "\"sync\"",
          .type = lang::ArgType::kText,
          .one_of = {"sync", "commit"},
          .keyword_only = true};
}

OutputFile::Ack ack_of(const lang::Args& args) {
  return args.text("ack") == "commit" ? OutputFile::Ack::kCommit : OutputFile::Ack::kSync;
}

std::unique_ptr<Sink> make_dfs(const lang::Plan& plan, std::shared_ptr<RecoveredPaths> recovered) {
  return std::make_unique<StoringSink>(
      StoringOptions{.url = plan.args.text("path"),
                     .with_escapes = true,
                     .format = [] { return make_sequence_format(SequenceCodec::kDeflate); },
                     .ack = ack_of(plan.args),
                     .may_compress = false,
                     .recovered = std::move(recovered)});
}

std::unique_ptr<Sink> make_format_dfs(const lang::Plan& plan, std::shared_ptr<RecoveredPaths> recovered) {
  return std::make_unique<StoringSink>(StoringOptions{.url = plan.args.text("path"),
                                                      .format = format_maker(plan.args.function("format")),
                                                      .ack = ack_of(plan.args),
                                                      .recovered = std::move(recovered)});
}

std::unique_ptr<Sink> make_escaped(const lang::Plan& plan, std::shared_ptr<RecoveredPaths> recovered) {
  std::string url = plan.args.text("path");
  if (const std::string& file = plan.args.text("file"); !file.empty()) {
    url += str_cat(url.ends_with('/') ? "" : "/", file);
  }
  return std::make_unique<StoringSink>(StoringOptions{.url = std::move(url),
                                                      .with_escapes = true,
                                                      .format = format_maker(plan.args.function("format")),
                                                      .ack = ack_of(plan.args),
                                                      .recovered = std::move(recovered)});
}

}  // namespace

void register_sink_dfs(Registry& registry) {
  const auto recovered = std::make_shared<RecoveredPaths>();
  const auto with_memory = [&recovered](auto* make) {
    return [recovered, make](const lang::Plan& plan, const Build&) { return make(plan, recovered); };
  };
  lang::ComponentSpec dfs;
  dfs.name = "dfs";
  dfs.summary = "Writes Hadoop SequenceFiles of events, compressed record by record.";
  dfs.doc = kStoredDoc;
  dfs.args = {path_argument(lang::ArgType::kEscape, "Path of the file; one file for each text it expands to."),
              ack_argument()};
  dfs.takes_responsibility = true;
  dfs.keeps = lang::Keeps::kJournal;
  dfs.examples = {{R"(dfs("/data/%{host}/%Y-%m-%d.seq"))", "A file for each host and day."}};
  registry.add_sink(std::move(dfs), with_memory(make_dfs));

  lang::ComponentSpec format;
  format.name = "formatDfs";
  format.aliases = {"customdfs"};
  format.summary = "Writes events to one file of a store.";
  format.doc = str_cat(kStoredDoc, kCompressDoc);
  format.args = {
      path_argument(lang::ArgType::kText, "Path of the file; a `%` in it is a `%`."),
      {.name = "format", .doc = "How an event becomes bytes.", .default_text = "raw", .type = lang::ArgType::kFormat},
      ack_argument()};
  format.takes_responsibility = true;
  format.keeps = lang::Keeps::kJournal;
  format.examples = {{R"(formatDfs("file:///data/all.log", raw))", "Bodies only, one per line."}};
  registry.add_sink(std::move(format), with_memory(make_format_dfs));

  lang::ComponentSpec escaped;
  escaped.name = "escapedFormatDfs";
  escaped.aliases = {"escapedCustomDfs"};
  escaped.summary = "Writes events to files of a store whose names come from the events.";
  escaped.doc = str_cat(kStoredDoc, kCompressDoc,
                        " A file that gets nothing for `flume.storage.idle.millis` is closed, and the one used longest "
                        "ago when more than `flume.storage.open.max` are open.");
  escaped.args = {path_argument(lang::ArgType::kEscape, "Path of the folder, or of the file when `file` is not given."),
                  {.name = "file",
                   .doc = "Name of the file in the folder.",
                   .default_text = "\"\"",
                   .type = lang::ArgType::kEscape},
                  {.name = "format",
                   .doc = "How an event becomes bytes.",
                   .default_text = "avrojson",
                   .setting = "flume.collector.output.format",
                   .type = lang::ArgType::kFormat},
                  ack_argument()};
  escaped.takes_responsibility = true;
  escaped.keeps = lang::Keeps::kJournal;
  escaped.examples = {{R"(escapedFormatDfs("/data/%Y-%m-%d", "%{host}-%H", raw))", "A file for each host and hour."},
                      {R"(escapedFormatDfs("file:///data/%{service}.log", format=raw))", "A file for each service."}};
  registry.add_sink(std::move(escaped), with_memory(make_escaped));
}

}  // namespace flume::node
