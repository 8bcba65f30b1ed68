// The tree of a text in the dataflow language, as it was written: names and values are not looked at here. Plain values
// that own their text; made by the parser, changed by rewrite.h, printed by printer.h, read by the checker. Positions
// take no part in equality.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dataflow-lang/source_text.h"

namespace flume::lang {

// One argument: a literal or a function, with `keyword=` before it or not.
struct Argument {
  enum class Kind : uint8_t { kDecimal, kHex, kOctal, kFloat, kString, kBool, kFunction };
  Kind kind = Kind::kString;
  std::string keyword;         // empty: positional
  std::string text;            // of a literal: as written, a string with its quotes; of a function: its name
  std::vector<Argument> args;  // of a function
  Span keyword_span;
  Span span;  // of the value

  bool operator==(const Argument& other) const {
    return kind == other.kind && keyword == other.keyword && text == other.text && args == other.args;
  }
};

// name(args): a source, a sink, a decorator, or the head of roll and collector. An empty name stands for what could not
// be read; the parser has reported it.
struct Call {
  std::string name;
  std::vector<Argument> args;
  Span name_span;
  Span span;  // with the arguments

  bool operator==(const Call& other) const { return name == other.name && args == other.args; }
};

struct SinkTree {
  enum class Kind : uint8_t {
    kPlain,      // call
    kDecorated,  // call is the decorator, one child
    kFanOut,     // [ children ]
    kFailover,   // < children >
    kRoll,       // roll(args) { child }; call.name is "roll"
    kCollector,  // collector(args) { child }
  };
  Kind kind = Kind::kPlain;
  Call call;
  std::vector<SinkTree> children;
  Span span;

  bool operator==(const SinkTree& other) const {
    return kind == other.kind && call == other.call && children == other.children;
  }
};

struct NodeTree {  // name : source | sink ;
  std::string name;
  Call source;
  SinkTree sink;
  Span name_span;
  Span span;

  bool operator==(const NodeTree& other) const {
    return name == other.name && source == other.source && sink == other.sink;
  }
};

struct Deployment {
  std::vector<NodeTree> nodes;

  bool operator==(const Deployment&) const = default;
};

}  // namespace flume::lang
