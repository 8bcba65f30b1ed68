// Translation: from what users wrote about logical nodes to what physical nodes run. A pure function of one View, so
// that every master makes the same text of one revision; never stored. Made of passes over the tree of a node's source
// and sink, each a function TranslatePass; new ones (automatic collectors and chains) go into the list in
// translate.cpp.
//   logicalSource      -> rpcSource( port ), the port given to the node on its host (ports/HOST/N in the store)
//   logicalSink( "n" ) -> rpcSink( "host", port ) of that node
// A sink that cannot be resolved now becomes fail( "..." ), as in the classic system, with a finding that says why:
// within a failover the other branches work. Such a source becomes null.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dataflow-lang/ast.h"
#include "master/config/spec_checker.h"
#include "master/config/view.h"

namespace flume::master {

inline constexpr uint16_t kFirstLogicalPort = 35853;

struct TranslatedNode {
  std::string source;  // canonical text; as typed where there is nothing to translate and it does not parse
  std::string sink;
  std::string hash;  // of both and of the refresh count: differs when the node has something to do
  std::vector<SpecFinding> findings;
  bool is_resolved = true;  // false: something could not be resolved
};

struct NodeTree {  // what a pass changes
  std::string name;
  lang::Call source;
  lang::SinkTree sink;
  std::vector<std::string> problems;
};
using TranslatePass = void (*)(const View& view, NodeTree& node);

TranslatedNode translate(const View& view, const std::string& node);

// What the store still lacks for translation: a port for each configured logical source whose host is known. Written
// by whichever master sees it first.
std::vector<Change> missing_ports(const View& view);

}  // namespace flume::master
