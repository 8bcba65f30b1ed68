#include "dataflow-lang/rewrite.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dataflow-lang/parser.h"
#include "dataflow-lang/printer.h"

namespace flume::lang {
namespace {

SinkTree parsed(const std::string& text) { return parse_sink(SourceText(text)).tree; }

TEST(Rewrite, VisitsEveryCallFromTheOutsideIn) {
  std::vector<std::string> seen;
  for_each_call(parsed("gzip [ a(1), < roll(5) { b } ? collector(6) { c } > ]"),
                [&](SinkTree::Kind, const Call& call) { seen.push_back(print(call)); });
  EXPECT_EQ(seen, (std::vector<std::string>{"gzip", "a( 1 )", "roll( 5 )", "b", "collector( 6 )", "c"}));
}

TEST(Rewrite, ReplacesPlainSinksOnlyAndNotWhatItPutIn) {
  const SinkTree tree = parsed("auto [ auto(1), { gzip => auto }, roll(5) { keep } ]");
  const SinkTree changed = replace_sinks(tree, [](const Call& call) -> std::optional<SinkTree> {
    return call.name == "auto" ? std::optional(parsed("< auto ? null >")) : std::nullopt;
  });
  EXPECT_EQ(print(changed), "{ auto => [ < auto ? null >, { gzip => < auto ? null > }, roll( 5 ) { keep } ] }");
}

}  // namespace
}  // namespace flume::lang
