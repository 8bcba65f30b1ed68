// collectorSink(dir, prefix[, rollmillis][, format]) — what a collector writes: files of a store, a new set of them
// each period. It is collector(rollmillis) { escapedFormatDfs(dir, "prefix%{rolltag}", format) }.
#include "common/base/text.h"
#include "node/runtime/collector_plan.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

lang::Value function_value(const lang::FunctionValue& function) {
  return std::make_shared<const lang::FunctionValue>(function);
}

std::unique_ptr<Sink> make_collector_sink(const lang::Plan& plan, const Build& build) {
  auto files = std::make_shared<lang::Plan>();
  files->kind = lang::Plan::Kind::kSink;
  files->name = "escapedFormatDfs";
  files->path = collector_body_path(plan.path);
  files->args.set("path", {plan.args.text("dir")}, true);
  files->args.set("file", {str_cat(plan.args.text("prefix"), "%{rolltag}")}, true);
  files->args.set("format", {function_value(plan.args.function("format"))}, true);
  files->args.set("ack", {plan.args.text("ack")}, true);
  return build.sink(collector_plan(plan.path, plan.args.duration("rollmillis"), std::move(files)));
}

}  // namespace

void register_sink_collector_sink(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "collectorSink";
  spec.summary = "What a collector writes: files of a store, new ones each period.";
  spec.doc =
      "The same as `collector(rollmillis) { escapedFormatDfs(dir, \"prefix%{rolltag}\", format) }`: what classic "
      "agents packed with `gzip` and `batch` is unpacked, their end-to-end groups are checked (ackChecker), every "
      "event gets the attribute `rolltag` (the name of the period, at the end of the file's name), and files appear "
      "under their names when their period is over. A period without events writes nothing.";
  spec.args = {
      {.name = "dir", .doc = "Folder of the files.", .type = lang::ArgType::kEscape, .required = true},
      {.name = "prefix", .doc = "What their names begin with.", .type = lang::ArgType::kEscape, .required = true},
      {.name = "rollmillis",
       .doc = "How long a period lasts.",
       .default_text = "30000",
       .setting = "flume.collector.roll.millis",
       .unit = "ms",
       .type = lang::ArgType::kDuration,
       .min = 1},
      {.name = "format",
       .doc = "How an event becomes bytes.",
       .default_text = "avrojson",
       .setting = "flume.collector.output.format",
       .type = lang::ArgType::kFormat},
      {.name = "ack",
       .doc = "When rows count as delivered: synced to disk, or published under the final name.",
       .default_text = "\"sync\"",
       .type = lang::ArgType::kText,
       .one_of = {"sync", "commit"},
       .keyword_only = true}};
  spec.takes_responsibility = true;
  spec.keeps = lang::Keeps::kJournal;
  spec.examples = {{R"(collectorSink("file:///data/%Y-%m-%d/", "web-"))", "A folder for each day."},
                   {R"(collectorSink("/data", "all-", 60000, raw))", "Bodies only, a file each minute."}};
  registry.add_sink(std::move(spec), make_collector_sink);
}

}  // namespace flume::node
