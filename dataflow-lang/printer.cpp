#include "dataflow-lang/printer.h"

#include "common/base/text.h"

namespace flume::lang {
namespace {

// Everything is appended to one string: a text of 1 MiB is printed in one pass.
void add(std::string& out, const Argument& argument);

void add_list(std::string& out, const std::vector<Argument>& args) {
  for (size_t i = 0; i < args.size(); ++i) {
    out += i > 0 ? ", " : "";
    add(out, args[i]);
  }
}

void add(std::string& out, const Argument& argument) {
  if (!argument.keyword.empty()) {
    str_append(out, argument.keyword, '=');
  }
  out += argument.text;
  if (argument.kind == Argument::Kind::kFunction) {
    out += '(';
    add_list(out, argument.args);
    out += ')';
  }
}

void add(std::string& out, const Call& call) {
  out += call.name;
  if (!call.args.empty()) {
    out += "( ";
    add_list(out, call.args);
    out += " )";
  }
}

void add(std::string& out, const SinkTree& sink);

void add_children(std::string& out, const SinkTree& sink, std::string_view separator) {
  for (size_t i = 0; i < sink.children.size(); ++i) {
    out += i > 0 ? separator : std::string_view();
    add(out, sink.children[i]);
  }
}

void add(std::string& out, const SinkTree& sink) {
  switch (sink.kind) {
    case SinkTree::Kind::kPlain: add(out, sink.call); break;
    case SinkTree::Kind::kDecorated:
      out += "{ ";
      add(out, sink.call);
      out += " => ";
      add_children(out, sink, "");
      out += " }";
      break;
    case SinkTree::Kind::kFanOut:
      out += "[ ";
      add_children(out, sink, ", ");
      out += " ]";
      break;
    case SinkTree::Kind::kFailover:
      out += "< ";
      add_children(out, sink, " ? ");
      out += " >";
      break;
    case SinkTree::Kind::kRoll:
    case SinkTree::Kind::kCollector:
      add(out, sink.call);
      out += sink.call.args.empty() ? "() { " : " { ";  // the parentheses are part of the grammar
      add_children(out, sink, "");
      out += " }";
      break;
  }
}

void add_tree(std::string& out, const Argument& argument) {
  if (!argument.keyword.empty()) {
    str_append(out, "(KWARG ", argument.keyword, ' ');
  }
  switch (argument.kind) {
    case Argument::Kind::kDecimal: str_append(out, "(DEC ", argument.text); break;
    case Argument::Kind::kHex: str_append(out, "(HEX ", argument.text); break;
    case Argument::Kind::kOctal: str_append(out, "(OCT ", argument.text); break;
    case Argument::Kind::kFloat: str_append(out, "(FLOAT ", argument.text); break;
    case Argument::Kind::kString: str_append(out, "(STRING ", argument.text); break;
    case Argument::Kind::kBool: str_append(out, "(BOOL ", argument.text); break;
    case Argument::Kind::kFunction:
      str_append(out, "(FUNC ", argument.text);
      for (const Argument& inner : argument.args) {
        out += ' ';
        add_tree(out, inner);
      }
      break;
  }
  out += argument.keyword.empty() ? ")" : "))";
}

void add_args(std::string& out, const Call& call) {
  for (const Argument& argument : call.args) {
    out += ' ';
    add_tree(out, argument);
  }
}

void add_tree(std::string& out, const SinkTree& sink) {
  const auto children = [&] {
    for (const SinkTree& child : sink.children) {
      out += ' ';
      add_tree(out, child);
    }
  };
  switch (sink.kind) {
    case SinkTree::Kind::kPlain:
    case SinkTree::Kind::kDecorated:
      str_append(out, "(DECO (SINK ", sink.call.name);
      add_args(out, sink.call);
      out += ')';
      children();
      break;
    case SinkTree::Kind::kFanOut:
      out += "(MULTI";
      children();
      break;
    case SinkTree::Kind::kFailover:
      out += "(BACKUP";
      children();
      break;
    case SinkTree::Kind::kRoll:
      out += "(ROLL";
      children();
      add_args(out, sink.call);
      break;
    case SinkTree::Kind::kCollector:
      out += "(GEN collector";
      children();
      add_args(out, sink.call);
      break;
  }
  out += ')';
}

template <class Tree>
std::string added(const Tree& tree) {
  std::string out;
  add(out, tree);
  return out;
}

}  // namespace

std::string print(const Argument& argument) { return added(argument); }

std::string print(const Call& call) { return added(call); }

std::string print(const SinkTree& sink) { return added(sink); }

std::string print(const NodeTree& node) {
  return str_cat(node.name, " : ", print(node.source), " | ", print(node.sink), ";");
}

std::string print(const Deployment& deployment) {
  std::string out;
  for (const NodeTree& node : deployment.nodes) {
    str_append(out, print(node), '\n');
  }
  return out;
}

std::string print_tree(const Argument& argument) {
  std::string out;
  add_tree(out, argument);
  return out;
}

std::string print_tree(const Call& source) {
  std::string out = "(SOURCE " + source.name;
  add_args(out, source);
  return out += ')';
}

std::string print_tree(const SinkTree& sink) {
  std::string out;
  add_tree(out, sink);
  return out;
}

std::string print_tree(const NodeTree& node) {
  return str_cat("(NODE ", node.name, ' ', print_tree(node.source), ' ', print_tree(node.sink), ')');
}

std::string print_tree(const Deployment& deployment) {
  std::string out;
  for (const NodeTree& node : deployment.nodes) {
    str_append(out, print_tree(node), '\n');
  }
  return out;
}

std::string string_literal(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\f': out += "\\f"; break;
      case '\r': out += "\\r"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          const auto byte = static_cast<unsigned char>(c);
          str_append(out, "\\u00", kHex[byte >> 4], kHex[byte & 15]);
        } else {
          out += c;
        }
    }
  }
  return out += '"';
}

}  // namespace flume::lang
