// What the contract tests run: every component that is registered. Decorators are taken from their own examples; a sink
// or source says here how it can run in a test, and the catalogue's test fails when one is missing. In the texts $DIR
// is a folder of the test's own.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "common/base/text.h"
#include "tests/support/sink_rig.h"
#include "tests/support/temp_dir.h"

namespace flume::contract {

struct SinkSubject {
  std::string name;  // of the component, or what is put together here
  std::string text;
  bool takes = true;          // false: nothing is there that would take rows (a far end); only its life is tested
  bool random_bytes = false;  // files differ from run to run in their bytes, not in their sizes
};

struct SourceSubject {
  std::string name;
  std::string text;
  bool ends = false;  // comes to its end within the test
  bool opens = true;  // false: a master puts another in its place, and only its error is tested
};

inline std::vector<SinkSubject> sink_subjects() {
  return {
      {.name = "null", .text = "null"},
      {.name = "console", .text = "console(raw)"},
      {.name = "counter", .text = R"(counter("c"))"},
      {.name = "fail", .text = "fail", .takes = false},
      {.name = "logicalSink", .text = R"(logicalSink("n"))", .takes = false},
      {.name = "text", .text = R"(text("$DIR/out", json))"},
      {.name = "dfs", .text = R"(dfs("$DIR/out-%{host}"))", .random_bytes = true},
      {.name = "seqfile", .text = R"(seqfile("$DIR/out.seq"))", .random_bytes = true},
      {.name = "formatDfs", .text = R"(formatDfs("file://$DIR/out-%{k}", avrojson))"},
      {.name = "escapedFormatDfs", .text = R"(escapedFormatDfs("$DIR/%Y", "%{host}-%{priority}", raw))"},
      {.name = "collectorSink", .text = R"(collectorSink("file://$DIR/col", "p", 100000, raw))", .random_bytes = true},
      {.name = "rpcSink", .text = R"(rpcSink("127.0.0.1", 1))", .takes = false},
      {.name = "thriftSink", .text = R"(thriftSink("127.0.0.1", 1))", .takes = false},
      {.name = "agentSink", .text = R"(agentSink("127.0.0.1", 1))"},
      {.name = "agentDFOSink", .text = R"(agentDFOSink("127.0.0.1", 1))"},
      {.name = "agentBESink", .text = R"(agentBESink("127.0.0.1", 1))", .takes = false},
      {.name = "agentBEChain", .text = R"(agentBEChain("127.0.0.1:1", "127.0.0.1", port=1))", .takes = false},
      {.name = "agentDFOChain", .text = R"(agentDFOChain("127.0.0.1:1", "127.0.0.1:2"))"},
      {.name = "agentE2EChain", .text = R"(agentE2EChain("127.0.0.1:1", "127.0.0.1:2"))"},
      {.name = "failChain", .text = R"x(failChain("flakeyAppend(%s, 7) keep", 1, 0.2, 0))x"},
      {.name = "syslogTcp", .text = R"(syslogTcp("127.0.0.1", 1))", .takes = false},
      {.name = "roll", .text = "roll(60000) { keep }"},
      {.name = "collector", .text = "collector(60000) { keep }"},
      {.name = "fan-out", .text = R"([ keep, counter("x"), intervalSampler(3) null ])"},
      {.name = "failover", .text = "< fail ? < flakeyAppend(0.2, 7) keep ? keep > >"},
  };
}

inline std::vector<SourceSubject> source_subjects() {
  return {
      {.name = "null", .text = "null"},
      {.name = "stdin", .text = "stdin"},
      {.name = "console", .text = "console"},
      {.name = "text", .text = R"(text("$DIR/lines"))", .ends = true},
      {.name = "replay", .text = R"(replay("$DIR/events"))", .ends = true},
      {.name = "seqfile", .text = R"(seqfile("$DIR/events.seq"))", .ends = true},
      {.name = "synth", .text = "synth(50, 100)", .ends = true},
      {.name = "asciisynth", .text = "asciisynth(50, 100)", .ends = true},
      {.name = "nonlsynth", .text = "nonlsynth(50, 100)", .ends = true},
      {.name = "synthrndsize", .text = "synthrndsize(50, 10, 100)", .ends = true},
      {.name = "tail", .text = R"(tail("$DIR/lines"))"},
      {.name = "multitail", .text = R"(multitail("$DIR/lines", "$DIR/not-there"))"},
      {.name = "tailDir", .text = R"(tailDir("$DIR/logs"))"},
      {.name = "exec", .text = R"(exec("printf 'a\\nb\\n'"))", .ends = true},
      {.name = "execPeriodic", .text = R"(execPeriodic("echo a", 3600000))"},
      {.name = "execStream", .text = R"(execStream("printf 'a\\nb\\n'"))", .ends = true},
      {.name = "syslogUdp", .text = "syslogUdp(0)"},
      {.name = "syslogTcp", .text = "syslogTcp(0)"},
      {.name = "collectorSource", .text = "collectorSource(0)"},
      {.name = "rpcSource", .text = "rpcSource(0)"},
      {.name = "thriftSource", .text = "thriftSource(0)"},
      {.name = "logicalSource", .text = "logicalSource", .opens = false},
  };
}

inline std::string with_folder(std::string text, const std::string& folder) {
  for (size_t at = text.find("$DIR"); at != std::string::npos; at = text.find("$DIR", at)) {
    text.replace(at, 4, folder);
  }
  return text;
}

// The decorators, each with its first example, whose sink "keep" replaces.
inline std::vector<SinkSubject> decorator_subjects(const lang::Catalog& catalog) {
  static const std::map<std::string, std::string> kInstead = {
      {"delay", "delay(0) keep"},  // the clock stands
      {"lazyOpen", "lazyOpen keep"},
      {"ackedWriteAhead", "ackedWriteAhead keep"},
      {"diskFailover", "diskFailover keep"},
      {"flakeyAppend", "flakeyAppend(0.2, 1337) keep"},  // a seed makes it repeatable
      {"gunzip", "gzip gunzip keep"},                    // with something to do
      {"unbatch", "batch(7) unbatch keep"},
      {"batch", "batch(7) keep"},
      {"insistentAppend", "insistentAppend(1, 1) keep"},  // what fails does so in tests of its own
  };
  std::vector<SinkSubject> subjects;
  for (const lang::ComponentSpec& spec : catalog.all()) {
    if (spec.kind != lang::ComponentSpec::Kind::kDecorator) {
      continue;
    }
    if (const auto instead = kInstead.find(spec.name); instead != kInstead.end()) {
      subjects.push_back({.name = spec.name, .text = instead->second});
      continue;
    }
    std::string text = spec.examples[0].first;
    text.resize(text.rfind(' ') + 1);
    subjects.push_back({.name = spec.name, .text = text + "keep"});
  }
  return subjects;
}

// Subjects of what is registered, and those that are no components but put together.
template <class Subject>
std::vector<Subject> registered(const std::vector<Subject>& all, const lang::Catalog& catalog,
                                lang::ComponentSpec::Kind kind) {
  std::vector<Subject> found;
  for (const Subject& subject : all) {
    if (subject.name == "fan-out" || subject.name == "failover" || catalog.find(kind, subject.name) != nullptr) {
      found.push_back(subject);
    }
  }
  return found;
}

inline void PrintTo(const SinkSubject& subject, std::ostream* out) { *out << subject.text; }    // NOLINT: gtest's name
inline void PrintTo(const SourceSubject& subject, std::ostream* out) { *out << subject.text; }  // NOLINT: likewise

inline std::string test_name(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}

}  // namespace flume::contract
