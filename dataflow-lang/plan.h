// Plan: a checked tree with typed arguments. What the node builds from; made by the checker only, so builder and
// checker cannot disagree. Immutable after checking; shared by pointer because roll bodies and refresh build from it
// many times.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"

namespace flume::lang {

struct FunctionValue;

// One argument's value after checking: text, integer, float, bool or a function.
//  kDuration -> int64 nanoseconds   kBytes, kPort, kInteger -> int64   kFloat -> double   kBool -> bool
//  kFormat, kFunction -> FunctionValue   everything else -> string
using Value = std::variant<std::string, int64_t, double, bool, std::shared_ptr<const FunctionValue>>;

struct FunctionValue {  // raw, seqfile("bzip2"), size(1000)
  std::string name;
  std::vector<Value> args;   // as written, typed by their literal
  std::string text() const;  // canonical text, e.g. seqfile("bzip2")
};

// Arguments by name, defaults filled in. Missing optional arguments without a default have no entry.
class Args {
 public:
  void set(std::string name, std::vector<Value> values, bool given);
  bool has(std::string_view name) const;    // has a value (given or default)
  bool given(std::string_view name) const;  // was written by the user
  // The value of `name`. Asking for a name or type that the ArgSpec does not have is a broken invariant.
  const std::string& text(std::string_view name) const;
  int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  bool boolean(std::string_view name) const;
  Duration duration(std::string_view name) const;
  const FunctionValue& function(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;  // of a repeated argument
  size_t count(std::string_view name) const;
  const Value& value(std::string_view name) const;  // the single one, of whatever type

 private:
  struct Entry {
    std::vector<Value> values;
    bool given;
  };
  std::map<std::string, Entry, std::less<>> entries_;
};

struct Plan {
  enum class Kind : uint8_t { kSource, kSink, kDecorator, kFanOut, kFailover, kRoll, kCollector } kind;
  std::string name;  // component name (the primary one, not the alias); "roll", "collector" for those; empty for others
  std::string path;  // place in the tree: "source", "sink", "sink.0.failover.1": labels metrics, stable over rolls
  Args args;
  std::vector<std::shared_ptr<const Plan>> children;  // decorator, roll, collector: one; fan-out, failover: branches
  std::string text;                                   // canonical text of this node of the tree
};
using PlanPtr = std::shared_ptr<const Plan>;

struct NodePlan {  // one logical node
  std::string name;
  PlanPtr source;
  PlanPtr sink;
};

}  // namespace flume::lang
