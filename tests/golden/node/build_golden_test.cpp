// Which specifications the classic system could build (tests/golden/og/build.jsonl), beside what ours lets through.
// Where ours differs on purpose the case is listed with its reason; docs/language.md and docs/differences.md have the
// rules for users.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "dataflow-lang/checker.h"
#include "dataflow-lang/parser.h"
#include "node/runtime/program.h"
#include "tests/support/golden.h"
#include "tests/support/sink_rig.h"

namespace flume {
namespace {

using Kind = lang::ComponentSpec::Kind;

// Components of the classic system that this version does not have. One that is added leaves this list, and its cases
// are compared from then on.
const std::set<std::string> kLater = {
    "decorator benchinject",
    "decorator benchreport",
    "decorator bloomCheck",
    "decorator bloomGen",
    "decorator choke",
    "decorator exDate",
    "decorator inmem",
    "decorator intervalDroppyAppend",
    "decorator intervalFlakeyAppend",
    "decorator mult",
    "decorator probSampler",
    "decorator reservoirSampler",
    "sink accumulator",
    "sink autoBEChain",
    "sink autoDFOChain",
    "sink autoE2EChain",
    "sink avroSink",
    "sink counterHistory",
    "sink irc",
    "sink multigrep",
    "sink regexhisto",
    "sink syslogTcp",
    "source autoCollectorSource",
    "source avroSource",
    "source fail",
    "source log4jfile",
    "source report",
    "source scribe",
    "source syslogTcp1",
    "source tpriosource",
};

// Names in the cases that are no component of that kind in either system: both must refuse them.
const std::set<std::string> kNobodys = {
    "decorator asink", "decorator console", "decorator garbage", "decorator not", "decorator something",
    "sink bad",        "sink nosuch",       "sink stest",        "sink stuff",    "source foo",
};

// Where ours answers otherwise on purpose. All are stricter: the classic system took the text.
constexpr const char* kTyped = "arguments have types: the classic system read what is no boolean as false";
constexpr const char* kTooMany = "an argument too many: the classic system ignored it";
constexpr const char* kStub = "what a master puts something else for: its arguments were not looked at";
const std::map<std::string, std::string> kDifferent = {
    {"s-build-47", kTyped},  // exec("a","b")
    {"s-build-48", kTyped},  // exec("a",1)
    {"s-build-49", kTyped},  // exec("a",1,2)
    {"s-build-51", kTyped},  // exec(1,2)
    {"s-build-52", kTyped},  // exec(1,2,3)
    {"s-build-53", kTyped},  // exec("a","b","c")
    {"s-build-54", kTyped},  // exec("a","b",3,4)
    {"s-build-101", kStub},
    {"s-build-102", kStub},
    {"s-build-103", kStub},
    {"s-build-104", kStub},
    {"s-build-105", kStub},
    {"s-build-106", kStub},
    {"s-build-107", kStub},
    {"s-build-108", kStub},
    {"s-build-109", kStub},
    {"s-build-245", kTyped},  // tail("a","b")
    {"s-build-246", kTyped},  // tail("a",1)
    {"s-build-249", kTyped},  // tail(1,2)
    {"s-build-258", kTyped},  // tailDir("a",1,2)
    {"s-build-261", kTyped},  // tailDir(1,2,3)
    {"s-build-262", kTyped},  // tailDir("a","b","c")
    {"s-build-263", kTyped},  // tailDir("a","b",3,4)
    {"s-build-472", kTyped},  // collectorSink("a","b",3,4): 4 is no output format
    {"s-build-594", kStub},
    {"s-build-595", kStub},
    {"s-build-597", kStub},
    {"s-build-598", kStub},
    {"s-build-599", kStub},
    {"s-build-601", kStub},
    {"s-build-602", kStub},
    {"s-build-603", kStub},
    {"s-build-604", kStub},
    {"s-build-810", kTooMany},  // delay(1,2)
    {"s-build-855", kTooMany},  // flakeyAppend(1,2,3)
    {"s-build-1114", "the output format seqfile comes with a later version"},
    {"s-build-1138", "batch(0): none is no number of events to pack"},
    {"s-build-1141", "the rest of the text: the classic parser did not read it"},
    {"s-build-1142", "collector { nosuch }: the classic system found out when it was opened"},
};

using Names = std::set<std::string>;

void add_unless_known(const lang::Catalog& catalog, Kind kind, const std::string& name, Names& unknown) {
  if (catalog.find(kind, name) == nullptr) {
    unknown.insert(str_cat(lang::kind_name(kind), " ", name));
  }
}

void find_unknown(const lang::Catalog& catalog, const lang::SinkTree& tree, Names& unknown) {
  if (!tree.call.name.empty()) {
    const bool decorates = tree.kind == lang::SinkTree::Kind::kDecorated;
    add_unless_known(catalog, decorates ? Kind::kDecorator : Kind::kSink, tree.call.name, unknown);
  }
  for (const lang::SinkTree& child : tree.children) {
    find_unknown(catalog, child, unknown);
  }
}

struct Answer {
  bool ok = false;
  Names unknown;
  std::string errors;
};

class BuildGolden : public testing::Test {
 protected:
  Answer ours(const JsonValue& one) const {
    const lang::SourceText text(one.text("text").value());
    lang::CheckOptions options = node::check_options(rig_.world.settings);
    options.logical_node_known = one.boolean_or("context", true).value();
    const lang::Catalog& catalog = rig_.registry.catalog();
    Answer answer;
    std::vector<lang::Diagnostic> found;
    if (one.text("kind").value() == "source") {
      const auto parsed = lang::parse_source(text);
      found = parsed.diagnostics;
      if (parsed.ok()) {
        add_unless_known(catalog, Kind::kSource, parsed.tree.name, answer.unknown);
        answer.ok = lang::check_source(parsed.tree, text, catalog, options, found) != nullptr;
      }
    } else {
      const auto parsed = lang::parse_sink(text);
      found = parsed.diagnostics;
      if (parsed.ok()) {
        find_unknown(catalog, parsed.tree, answer.unknown);
        answer.ok = lang::check_sink(parsed.tree, text, catalog, options, found) != nullptr;
      }
    }
    answer.errors = lang::to_text(found);
    return answer;
  }

  const test::SinkRig rig_;
};

TEST_F(BuildGolden, TakesAndRefusesAsTheClassicSystemDid) {
  Names unknown;
  Names differed;
  size_t compared = 0;
  size_t later = 0;
  for (const JsonValue& one : support::golden_cases("build", "build")) {
    const std::string id = one.text("id").value();
    const Answer answer = ours(one);
    unknown.insert(answer.unknown.begin(), answer.unknown.end());
    if (std::any_of(answer.unknown.begin(), answer.unknown.end(),
                    [](const std::string& name) { return kLater.contains(name); })) {
      ++later;
      continue;
    }
    ++compared;
    const bool classic_ok = one.find("expect")->boolean("ok").value();
    if (kDifferent.contains(id)) {
      differed.insert(id);
      EXPECT_TRUE(classic_ok && !answer.ok) << id << ": " << one.text("text").value();
      continue;
    }
    EXPECT_EQ(answer.ok, classic_ok) << id << ": " << one.text("text").value() << "\n" << answer.errors;
  }
  Names listed = kLater;
  listed.insert(kNobodys.begin(), kNobodys.end());
  EXPECT_EQ(unknown, listed);
  EXPECT_EQ(differed.size(), kDifferent.size());
  EXPECT_EQ(compared, 835U);
  EXPECT_EQ(later, 332U);
}

}  // namespace
}  // namespace flume
