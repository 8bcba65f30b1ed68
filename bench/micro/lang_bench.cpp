// 10,000 nodes in one text, nearly the largest there may be: parsed, and parsed and checked.
#include <benchmark/benchmark.h>

#include <string>

#include "common/base/text.h"
#include "dataflow-lang/checker.h"
#include "dataflow-lang/parser.h"

namespace flume::lang {
namespace {

using Kind = ComponentSpec::Kind;

Catalog catalog() {
  Catalog made;
  const auto add = [&made](Kind kind, const std::string& name, std::vector<ArgSpec> args) {
    ComponentSpec spec{.kind = kind, .name = name, .summary = "For the benchmark."};
    spec.args = std::move(args);
    spec.examples = {{name, "Nothing."}};
    (void)made.add(std::move(spec));
  };
  ArgSpec text{.name = "text", .doc = "a text", .required = true};
  ArgSpec port{.name = "port", .doc = "a port", .default_text = "35853", .type = ArgType::kPort};
  ArgSpec time{.name = "time", .doc = "a time", .default_text = "100", .unit = "ms", .type = ArgType::kDuration};
  add(Kind::kSource, "tail", {text, time});
  add(Kind::kSink, "agentBESink", {text, port});
  add(Kind::kDecorator, "batch", {port, time});
  return made;
}

std::string ten_thousand_nodes() {
  std::string text;
  for (int i = 0; i < 10'000; ++i) {
    str_append(text, "node", i, ": tail(\"/var/log/app", i, ".log\") | { batch(100) => agentBESink(\"collector", i % 7,
               "\", 35853) };\n");
  }
  return text;
}

void parse(benchmark::State& state) {
  const SourceText text(ten_thousand_nodes());
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse_deployment(text));
  }
  state.SetBytesProcessed(static_cast<int64_t>(text.text().size()) * state.iterations());
}
BENCHMARK(parse)->Unit(benchmark::kMillisecond);

void parse_and_check(benchmark::State& state) {
  const SourceText text(ten_thousand_nodes());
  const Catalog components = catalog();
  for (auto _ : state) {
    benchmark::DoNotOptimize(check_text(text, components));
  }
  state.SetBytesProcessed(static_cast<int64_t>(text.text().size()) * state.iterations());
}
BENCHMARK(parse_and_check)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace flume::lang
