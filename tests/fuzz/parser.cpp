// The dataflow language: any text parses or gives diagnostics that lie inside it, and what parses prints to a text that
// parses and prints the same.
#include "dataflow-lang/parser.h"
#include "dataflow-lang/printer.h"
#include "tests/support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace flume;  // NOLINT: the whole file is this function
  const lang::SourceText text{std::string(support::fuzz_text(data, size))};
  const auto parsed = lang::parse_deployment(text);
  (void)lang::parse_sink(text);
  (void)lang::parse_source(text);
  (void)lang::parse_argument(text);
  if (!parsed.ok()) {
    return 0;
  }
  const std::string printed = lang::print(parsed.tree);
  const lang::SourceText second{std::string(printed)};
  const auto again = lang::parse_deployment(second);
  support::require(again.ok(), "what is printed parses");
  support::require(lang::print(again.tree) == printed, "printing is stable");
  return 0;
}
