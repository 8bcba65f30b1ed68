// Tree to text. Canonical text is what the system shows, stores and sends: print(parse(x)) is stable, and
// parse(print(tree)) equals tree. Literals are printed as they were written.
#pragma once

#include <string>
#include <string_view>

#include "dataflow-lang/ast.h"

namespace flume::lang {

// name( a, b, k=v ), { deco => sink }, [ a, b ], < a ? b >, roll( 100 ) { s }, node : source | sink;
std::string print(const Argument& argument);
std::string print(const Call& call);
std::string print(const SinkTree& sink);
std::string print(const NodeTree& node);
std::string print(const Deployment& deployment);  // one node a line, each ends with a newline

// The tree in the notation of the classic system's own tests: (DECO (SINK text (STRING "a"))).
std::string print_tree(const Argument& argument);
std::string print_tree(const Call& source);  // (SOURCE name args)
std::string print_tree(const SinkTree& sink);
std::string print_tree(const NodeTree& node);
std::string print_tree(const Deployment& deployment);  // one node a line

// A text as a string literal of the language, with quotes and escapes.
std::string string_literal(std::string_view text);

}  // namespace flume::lang
