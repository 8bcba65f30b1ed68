#include "node/tailing/tail_options.h"

#include <algorithm>
#include <utility>

namespace flume::node {

namespace {

constexpr size_t kPooledBlobs = 8;
constexpr size_t kBlobBytes = (256 + 16) << 10;  // one read, and an unfinished line before it

}  // namespace

const char kLineArgumentsDoc[] =
    "Each event has the attribute `tailSrcFile`, the file's base name. Lines end at `\\n`; bytes are kept as they are, "
    "`\\r` and NUL too. A last line without its end waits until the end comes, or until the file was rotated away or "
    "removed. A line over `flume.event.max.size.bytes` becomes several events (`longLines=\"split\"`) or one, without "
    "its rest (`\"cut\"`); both are counted.\n\n"
    "What was delivered is remembered on disk: a restarted node goes on where it was, also after rotation by rename, "
    "copy and truncate, or removal. After a kill at most the rows of the last second come twice, and none is missing. "
    "Changes are noticed through inotify; where that does not work files are looked at every "
    "`flume.tail.pollperiod`.";

std::vector<lang::ArgSpec> line_argument_specs() {
  return {{.name = "delim",
           .doc = "Regular expression that separates events, instead of newlines. It may span lines and is matched "
                  "against bytes.",
           .type = lang::ArgType::kRegex,
           .keyword_only = true},
          {.name = "delimMode",
           .doc = "What becomes of the text that `delim` matched: dropped, kept at the end of the event before it, or "
                  "at the start of the one after it.",
           .default_text = "\"exclude\"",
           .one_of = {"exclude", "prev", "next"},
           .keyword_only = true},
          {.name = "longLines",
           .doc = "What becomes of a line over the event limit: several events, or its start only.",
           .default_text = "\"split\"",
           .one_of = {"split", "cut"},
           .keyword_only = true}};
}

LineArguments line_arguments(const lang::Args& args) {
  LineArguments arguments;
  if (args.has("delim")) {
    arguments.delim = args.text("delim");
  }
  const std::string& mode = args.text("delimMode");
  arguments.mode = mode == "prev" ? DelimMode::kPrev : mode == "next" ? DelimMode::kNext : DelimMode::kExclude;
  arguments.oversize = args.text("longLines") == "cut" ? Oversize::kCut : Oversize::kSplit;
  return arguments;
}

Result<ReaderOptions> reader_options(const LineArguments& arguments, Context& context) {
  ReaderOptions options;
  options.clock = &context.clock;
  options.node = context.identity.node_id;
  options.boot_epoch = context.identity.boot_epoch;
  options.host = context.identity.host;
  options.limits = context.limits;
  options.oversize = arguments.oversize;
  options.pool = BlobPool::create(kBlobBytes, kPooledBlobs);
  options.long_lines = &context.metrics.counter("flume_lines_cut_total");
  options.cut_bytes = &context.metrics.counter("flume_cut_bytes_total");
  if (!arguments.delim.empty()) {
    FLUME_ASSIGN_OR_RETURN(options.cutter, RecordCutter::make(arguments.delim, arguments.mode));
  }
  return options;
}

TimePoint real_time(Clock& clock, TimePoint point) {
  if (point == TimePoint::max()) {
    return point;
  }
  const TimePoint now = clock.now();
  return std::chrono::steady_clock::now() + (point > now ? point - now : Duration::zero());
}

}  // namespace flume::node
