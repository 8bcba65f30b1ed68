// seqfile(file) — events into one Hadoop SequenceFile, which gets its name when it is complete.
#include "common/base/check.h"
#include "common/io/event_sequence.h"
#include "node/runtime/registry.h"
#include "node/storing/storing_sink.h"

namespace flume::node {

void register_sink_seqfile(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "seqfile";
  spec.summary = "Writes events to one Hadoop SequenceFile.";
  spec.doc =
      "Without compression unless `codec` asks for it; then each event is compressed by itself. `dfs` writes such "
      "files with escapes in their path. The file is called `.tmp` while it is written and gets its name when it is "
      "complete and synced; nothing is replaced: if the name is taken, `.1`, `.2` ... is put behind it (the classic "
      "system overwrote the file). Rows count as delivered once they are synced to disk (`ack=\"sync\"`, at most "
      "`flume.storage.sync.millis` after they were written) or once the file has its name (`ack=\"commit\"`).";
  spec.args = {{.name = "file",
                .doc = "Path of the file; a `%` in it is a `%`.",
                .type = lang::ArgType::kText,
                .required = true},
               {.name = "codec",
                .doc = "How values are compressed.",
                .default_text = "\"none\"",
                .type = lang::ArgType::kText,
                .one_of = {"none", "deflate", "gzip", "bzip2"},
                .keyword_only = true},
               {.name = "ack",
                .doc = "When rows count as delivered: synced to disk, or published under the final name.",
                .default_text = "\"sync\"",
                .type = lang::ArgType::kText,
                .one_of = {"sync", "commit"},
                .keyword_only = true}};
  spec.takes_responsibility = true;
  spec.keeps = lang::Keeps::kJournal;
  spec.examples = {{R"(seqfile("/data/web.seq"))", "As the classic system wrote it."},
                   {R"(seqfile("/data/web.seq", codec="gzip"))", "Each event compressed."}};
  registry.add_sink(
      std::move(spec),
      [recovered = std::make_shared<RecoveredPaths>()](const lang::Plan& plan, const Build&) -> std::unique_ptr<Sink> {
        const auto codec = parse_sequence_codec(plan.args.text("codec"));
        FLUME_CHECK(codec.has_value(), plan.args.text("codec"));  // one_of
        const bool at_commit = plan.args.text("ack") == "commit";
        return std::make_unique<StoringSink>(
            StoringOptions{.url = plan.args.text("file"),
                           .format = [codec = *codec] { return make_sequence_format(codec); },
                           .ack = at_commit ? OutputFile::Ack::kCommit : OutputFile::Ack::kSync,
                           .may_compress = false,
                           .recovered = recovered});
      });
}

}  // namespace flume::node
