// What components exist and what their arguments are: data only, JSON both ways. Read by the checker, `flume help`, the
// reference document, the web page's completion, and by a master for nodes of other versions. Nothing about a component
// is written twice. Value types.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"

namespace flume::lang {

enum class ArgType : uint8_t {
  kText,
  kInteger,
  kFloat,
  kBool,
  kDuration,  // "250ms" or a number of ArgSpec::unit (ms when empty)
  kBytes,     // "64KiB" or a number of bytes
  kPort,      // 0..65535
  kHostPort,  // "host" or "host:port"
  kRegex,     // RE2; compiled by the checker
  kEscape,    // text with %{...} and %X; compiled by the checker
  kFormat,    // an output format: raw, "raw", seqfile("bzip2"); its arguments are checked by its own description
  kSinkText,  // text holding a sink in this language; checked too
  kFunction,  // one of one_of, where "size(bytes)" takes an argument: trigger=size(1000)
  // Text holding a sink in which %s stands for the value of the component's repeated argument. The checker fills in
  // each of these values in turn; what comes of it are the children of the Plan.
  kSinkTemplate,
};
std::string_view arg_type_name(ArgType type);  // "text", "integer", ...

struct ArgSpec {
  std::string name = {};
  std::string doc = {};
  std::string default_text = {};  // as it would be written in the language; empty = none
  std::string setting = {};  // process setting whose value is the default; default_text counts where it is not known
  std::string unit = {};     // "ms", "bytes", ...
  ArgType type = ArgType::kText;
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
  std::vector<std::string> one_of = {};  // the only legal values (texts or function names)
  bool required = false;
  bool repeated = false;  // the last positional argument may be given many times (mask, regexAll)
  bool keyword_only = false;
  bool secret = false;  // never shown

  bool operator==(const ArgSpec&) const = default;
};

// How a sink, or what a decorator puts in front of one, answers for rows that come again after a failure. What a flow
// promises is read off this.
enum class Keeps : uint8_t {
  kNothing,      // no account: they are taken for new
  kJournal,      // of rows that a log numbered: they are known
  kLog,          // a log of its own, until the far end answers for its rows
  kLogOfAChain,  // the same in front of several far ends
  kFailoverLog,  // a log for rows that could not be sent, or were not confirmed
  kDurableLink,  // nothing, but the far end says what is durable
  kLink,         // nothing, and the far end says less, or nothing
  kBestEffort,   // nothing: what is late is dropped and counted
};
std::string_view keeps_name(Keeps keeps);  // "nothing", "journal", ...

struct ComponentSpec {
  enum class Kind : uint8_t { kSource, kSink, kDecorator, kFormat } kind = Kind::kSource;
  std::string name = {};
  std::string summary = {};  // one sentence
  std::string doc = {};      // more, Markdown; may be empty
  std::string since = {};
  std::vector<std::string> aliases = {};
  std::vector<ArgSpec> args = {};                                  // in positional order
  std::vector<std::pair<std::string, std::string>> examples = {};  // text in the language, what it does
  bool replayable = false;                                         // source: rewind() works
  bool takes_responsibility = false;  // sink: settles as delivered only what is durable or acknowledged
  Keeps keeps = Keeps::kNothing;      // sink, decorator
  bool receives = false;              // source: rows come from other nodes, whose logs numbered them
  bool remakes_rows = false;          // decorator: other rows come out than went in
  bool needs_logical_node = false;
  bool runs_commands = false;  // exec family: refused in pushed configurations unless the node's owner allows it

  bool operator==(const ComponentSpec&) const = default;
};
std::string signature(const ComponentSpec& spec);      // "tail(file, [startFromEnd], [delim=...])"
std::string_view kind_name(ComponentSpec::Kind kind);  // "source", "sink", "decorator", "format"

class Catalog {
 public:
  // A duplicate name or alias within a kind, or a component without summary, argument doc or example, is refused.
  Status add(ComponentSpec spec);
  const ComponentSpec* find(ComponentSpec::Kind kind, std::string_view name_or_alias) const;  // null: unknown
  std::vector<std::string> names(ComponentSpec::Kind kind) const;                             // with aliases, sorted
  const std::vector<ComponentSpec>& all() const { return specs_; }             // in order of kind and name
  std::string nearest(ComponentSpec::Kind kind, std::string_view name) const;  // "" = nothing near

  std::string to_json() const;
  static Result<Catalog> from_json(std::string_view json);

 private:
  // Position in specs_, by kind, name and alias.
  std::map<ComponentSpec::Kind, std::map<std::string, size_t, std::less<>>> index_;
  std::vector<ComponentSpec> specs_;
};

}  // namespace flume::lang
