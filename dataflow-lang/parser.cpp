#include "dataflow-lang/parser.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>

#include "common/base/text.h"
#include "dataflow-lang/lexer.h"

namespace flume::lang {
namespace {

using K = TokenKind;

bool is_literal(K kind) { return kind >= K::kDecimal && kind <= K::kString; }

bool is_reserved(std::string_view name) {
  return name == "roll" || name == "collector" || name == "true" || name == "false";
}

// Recursive descent over the tokens. A parsing function returns false when it has reported an error and the tokens
// at hand are not to be trusted; its caller then goes on at the next token that means something to it. What could have
// stood at the current token gathers in expected_ until the next token is taken.
class Parser {
 public:
  explicit Parser(const SourceText& text) : text_(text), diagnostics_(text) {
    if (text.text().size() > kMaxTextBytes) {
      diagnostics_.error("L007", {0, 0},
                         str_cat("the text has ", text.text().size(), " bytes; at most ", kMaxTextBytes));
      tokens_.push_back({});
      gave_up_ = true;
      return;
    }
    tokens_ = tokenize(diagnostics_);
  }

  Deployment deployment() {
    Deployment tree;
    while (!gave_up_ && !at(K::kEnd)) {
      node(tree);
    }
    return tree;
  }

  Call source() {
    Call tree;
    call(tree, "a source");
    return tree;
  }

  SinkTree sink() {
    SinkTree tree;
    sink_tree(tree);
    return tree;
  }

  Argument argument() {
    Argument tree;
    value(tree, false);
    return tree;
  }

  std::string node_name() {
    Span span;
    std::string name;
    name_of_node(name, span);
    return name;
  }

  template <class Tree>
  Parsed<Tree> finish(Tree tree) {
    if (!gave_up_ && !at(K::kEnd)) {
      fail();
    }
    return {std::move(tree), diagnostics_.take()};
  }

 private:
  // ---- tokens

  const Token& token(size_t ahead = 0) const { return tokens_[std::min(next_ + ahead, tokens_.size() - 1)]; }

  std::string_view written(const Token& token) const { return text_.at(token.span); }

  bool is(K kind, size_t ahead = 0) const { return token(ahead).kind == kind; }

  void take() {
    last_end_ = token().span.end;
    next_ = std::min(next_ + 1, tokens_.size() - 1);
    expected_.clear();
  }

  void expect_also(std::string_view what) {
    if (std::find(expected_.begin(), expected_.end(), what) == expected_.end()) {
      expected_.push_back(what);
    }
  }

  // Whether the next token is of this kind; if not, it is among what was expected.
  bool at(K kind) {
    if (is(kind)) {
      return true;
    }
    expect_also(kind == K::kEnd ? "the end of the text" : token_kind_name(kind));
    return false;
  }

  bool accept(K kind) {
    const bool found = at(kind);
    if (found) {
      take();
    }
    return found;
  }

  // ---- errors

  std::string expectation() const {
    std::string out;
    for (size_t i = 0; i < expected_.size(); ++i) {
      out += i == 0 ? "" : i + 1 == expected_.size() ? " or " : ", ";
      out += expected_[i];
    }
    return out;
  }

  // The next token cannot stand here. One report a token: what follows from it is not news.
  bool fail(std::string_view note = {}) {
    if (gave_up_ || failed_at_ == next_) {
      return false;
    }
    failed_at_ = next_;
    const Token& found = token();
    const std::string what = found.kind == K::kEnd ? "end of the text" : str_cat("'", shortened(written(found)), "'");
    const bool insert = expected_.size() == 1 && found.kind != K::kEnd && starts_something(found.kind);
    // Something is missing rather than wrong: the place is where it should stand.
    const Span place = insert ? Span{last_end_, last_end_} : found.span;
    Diagnostic& report =
        insert ? diagnostics_.error("L010", place, str_cat("expected ", expectation(), " before ", what))
               : diagnostics_.error("L010", place, str_cat("unexpected ", what, "; expected ", expectation()));
    if (!note.empty()) {
      report.notes.emplace_back(note);
    }
    return false;
  }

  static bool starts_something(K kind) { return kind == K::kIdent || kind == K::kIpv4 || is_literal(kind); }

  static std::string shortened(std::string_view text) {
    constexpr size_t kShown = 40;
    size_t end = std::min({text.size(), text.find('\n'), kShown});
    while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
      --end;
    }
    return str_cat(text.substr(0, end), end < text.size() ? "..." : "");
  }

  bool give_up(std::string_view message) {
    if (!gave_up_) {
      diagnostics_.error("L008", token().span, std::string(message));
    }
    gave_up_ = true;
    next_ = tokens_.size() - 1;
    return false;
  }

  // Skips to the next token of one of these kinds, past whole groups in brackets; never past `;`, `|` or the end.
  void skip_to(std::initializer_list<K> kinds) {
    int depth = 0;
    for (; !is(K::kEnd); take()) {
      const K kind = token().kind;
      if (depth == 0 && std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) {
        return;
      }
      if (kind == K::kSemicolon || kind == K::kPipe) {
        return;
      }
      if (kind == K::kLeftParen || kind == K::kLeftBrace || kind == K::kLeftBracket || kind == K::kLess) {
        ++depth;
      } else if (closes(kind)) {
        if (depth == 0) {
          return;  // belongs to somebody further out
        }
        --depth;
      }
    }
  }

  static bool closes(K kind) {
    return kind == K::kRightParen || kind == K::kRightBrace || kind == K::kRightBracket || kind == K::kGreater;
  }

  // The token that must come next. Missing: reported, and the next one is looked for.
  bool require(K kind, std::string_view note = {}) {
    if (accept(kind)) {
      return true;
    }
    fail(note);
    skip_to({kind});
    return is(kind) && (take(), true);
  }

  // ---- grammar

  // node = host ":" source "|" sink ";"
  void node(Deployment& tree) {
    NodeTree node;
    node.span.begin = token().span.begin;
    if (!name_of_node(node.name, node.name_span)) {
      skip_to({K::kColon});
    }
    if (!accept(K::kColon)) {
      fail();
      skip_to({K::kColon});
      if (is(K::kColon)) {
        take();
      }
    }
    if (!call(node.source, "a source")) {
      skip_past_closers();
    }
    if (accept(K::kPipe)) {
      if (!sink_tree(node.sink)) {
        skip_past_closers();
      }
    } else {
      fail("a node is written: name : source | sink ;");
      skip_past_closers();
      if (is(K::kPipe)) {
        take();
        if (!sink_tree(node.sink)) {
          skip_past_closers();
        }
      }
    }
    end_of_node();
    node.span.end = last_end_;
    if (!gave_up_) {
      tree.nodes.push_back(std::move(node));
    }
  }

  void end_of_node() {
    if (accept(K::kSemicolon)) {
      return;
    }
    if (starts_node()) {
      expected_ = {token_kind_name(K::kSemicolon)};  // only that is missing
      fail();
      return;
    }
    fail();
    do {
      skip_past_closers();
      if (is(K::kPipe)) {
        take();
      }
    } while (!is(K::kSemicolon) && !is(K::kEnd));
    if (is(K::kSemicolon)) {
      take();
    }
  }

  // As skip_to(`|`, `;`), but closing brackets that nobody opened do not stop it.
  void skip_past_closers() {
    for (skip_to({}); closes(token().kind); skip_to({})) {
      take();
    }
  }

  bool starts_node() const { return (is(K::kIdent) || is(K::kIpv4)) && is(K::kColon, 1); }

  bool name_of_node(std::string& name, Span& span) {
    if (!is(K::kIdent) && !is(K::kIpv4)) {
      expect_also("the name of a node");
      return fail();
    }
    if (const std::string_view found = written(token()); found == "true" || found == "false") {
      diagnostics_.error("L011", token().span, str_cat("'", found, "' is a reserved word and cannot name a node"));
    }
    name = written(token());
    span = token().span;
    take();
    return true;
  }

  // call = Ident [ "(" args ")" ]
  bool call(Call& tree, std::string_view what) {
    if (!is(K::kIdent)) {
      expect_also(what);
      const bool is_group = is(K::kLeftBracket) || is(K::kLess) || is(K::kLeftBrace);
      return fail(is_group && what == "a source" ? "sources cannot be composed" : "");
    }
    if (is_reserved(written(token()))) {
      diagnostics_.error("L011", token().span,
                         str_cat("'", written(token()), "' is a reserved word and cannot be ", what));
    }
    tree.name = written(token());
    tree.name_span = tree.span = token().span;
    take();
    const bool good = !at(K::kLeftParen) || arguments(tree.args);
    tree.span.end = last_end_;
    return good;
  }

  // "(" [ arg { "," arg } ] ")", positional ones first
  bool arguments(std::vector<Argument>& args) {
    const Token open = token();
    take();
    if (accept(K::kRightParen)) {
      return true;
    }
    while (true) {
      Argument& arg = args.emplace_back();
      if (!argument_of_list(arg, args.size() > 1 && !args[args.size() - 2].keyword.empty())) {
        skip_to({K::kComma, K::kRightParen});
      }
      if (accept(K::kComma)) {
        continue;
      }
      if (accept(K::kRightParen)) {
        return true;
      }
      fail(unclosed(open));
      if (starts_something(token().kind) && !is(K::kEnd)) {
        skip_to({K::kComma, K::kRightParen});
      }
      if (!is(K::kComma) && !is(K::kRightParen)) {
        return false;
      }
      const bool more = is(K::kComma);
      take();
      if (!more) {
        return true;
      }
    }
  }

  std::string unclosed(const Token& open) const {
    if (!is(K::kEnd) && !is(K::kSemicolon) && !is(K::kPipe)) {
      return "";
    }
    const Place place = text_.place(open.span.begin);
    return str_cat("'", written(open), "' at ", place.line, ":", place.column, " is not closed");
  }

  bool argument_of_list(Argument& arg, bool after_keyword) {
    const bool has_keyword = is(K::kIdent) && is(K::kEquals, 1);
    if (!has_keyword) {
      const size_t begin = next_;
      const bool good = value(arg, true);
      if (after_keyword && good && next_ > begin) {
        diagnostics_.error("L012", arg.span, "a positional argument cannot follow a keyword argument");
      }
      return good;
    }
    if (is_reserved(written(token()))) {
      diagnostics_.error("L011", token().span,
                         str_cat("'", written(token()), "' is a reserved word and cannot name an argument"));
    }
    arg.keyword = written(token());
    arg.keyword_span = token().span;
    arg.span = token(1).span;
    take();
    take();
    return value(arg, false);
  }

  // literal | function. A bad literal leaves an empty text.
  bool value(Argument& arg, bool may_be_keyword) {
    const Token found = token();
    if (is_literal(found.kind)) {
      constexpr std::array kKinds = {Argument::Kind::kDecimal, Argument::Kind::kHex, Argument::Kind::kOctal,
                                     Argument::Kind::kFloat, Argument::Kind::kString};
      arg.kind = kKinds[static_cast<size_t>(found.kind) - static_cast<size_t>(K::kDecimal)];
      arg.text = found.is_bad ? std::string_view() : written(found);
      arg.span = found.span;
      take();
      return true;
    }
    if (!is(K::kIdent)) {
      expect_also(may_be_keyword ? "an argument" : "a value");
      if (may_be_keyword && is(K::kRightParen)) {
        return fail("a ',' stands between two arguments, not after the last");
      }
      return fail();
    }
    return function_or_bool(arg);
  }

  bool function_or_bool(Argument& arg) {
    arg.text = written(token());
    arg.span = token().span;
    arg.kind = arg.text == "true" || arg.text == "false" ? Argument::Kind::kBool : Argument::Kind::kFunction;
    if (arg.kind == Argument::Kind::kFunction && is_reserved(arg.text)) {
      diagnostics_.error("L011", arg.span, str_cat("'", arg.text, "' is a reserved word and cannot be a value"));
    }
    take();
    if (arg.kind == Argument::Kind::kBool || !at(K::kLeftParen)) {
      return true;
    }
    if (++function_depth_ > kMaxDepth) {
      return give_up(str_cat("functions are nested deeper than ", kMaxDepth));
    }
    const bool good = arguments(arg.args);
    --function_depth_;
    arg.span.end = last_end_;
    return good;
  }

  bool starts_sink() {
    // "a : x | null  b : y | z;": b is the next node, not a sink that null decorates.
    if (starts_node()) {
      return false;
    }
    return is(K::kIdent) || is(K::kLeftBracket) || is(K::kLeftBrace) || is(K::kLess);
  }

  // sink = fanout | decorated | braced | failover | roll | collector
  bool sink_tree(SinkTree& tree) {
    if (++sink_depth_ > kMaxDepth) {
      return give_up(str_cat("sinks are nested deeper than ", kMaxDepth));
    }
    tree.span = token().span;
    bool good = false;
    switch (token().kind) {
      case K::kLeftBracket: good = branches(tree, SinkTree::Kind::kFanOut, K::kComma, K::kRightBracket); break;
      case K::kLess: good = branches(tree, SinkTree::Kind::kFailover, K::kQuestion, K::kGreater); break;
      case K::kLeftBrace: good = braced(tree); break;
      case K::kIdent:
        good = written(token()) == "roll" || written(token()) == "collector" ? roll(tree) : decorated(tree);
        break;
      default: expect_also("a sink"); good = fail();
    }
    tree.span.end = std::max(tree.span.begin, last_end_);
    --sink_depth_;
    return good;
  }

  // "[" sink { "," sink } "]" and "<" sink "?" sink { "?" sink } ">"
  bool branches(SinkTree& tree, SinkTree::Kind kind, K separator, K closing) {
    tree.kind = kind;
    const Token open = token();
    take();
    while (true) {
      if (!sink_tree(tree.children.emplace_back())) {
        skip_to({separator, closing});
      }
      if (accept(separator)) {
        continue;
      }
      const bool needs_more = kind == SinkTree::Kind::kFailover && tree.children.size() < 2;
      if (needs_more && is(closing)) {
        fail("a failover has at least two branches: < primary ? backup >");
        take();
        return true;
      }
      if (!needs_more && accept(closing)) {
        return true;
      }
      fail(unclosed(open));
      skip_to({separator, closing});
      if (!is(separator) && !is(closing)) {
        return false;
      }
      const bool more = is(separator);
      take();
      if (!more) {
        return true;
      }
    }
  }

  // "{" Ident [args] "=>" sink "}"
  bool braced(SinkTree& tree) {
    tree.kind = SinkTree::Kind::kDecorated;
    take();
    if (!call(tree.call, "a decorator")) {
      skip_to({K::kArrow, K::kRightBrace});
    }
    SinkTree& child = tree.children.emplace_back();
    child.span = {last_end_, last_end_};
    if (!require(K::kArrow, "a decorator in braces is written: { decorator => sink }")) {
      skip_to({K::kRightBrace});
    } else if (!sink_tree(child)) {
      skip_to({K::kRightBrace});
    }
    return require(K::kRightBrace);
  }

  // Ident [args] [sink]
  bool decorated(SinkTree& tree) {
    const bool good = call(tree.call, "a sink");
    if (good && starts_sink()) {
      tree.kind = SinkTree::Kind::kDecorated;
      return sink_tree(tree.children.emplace_back());
    }
    if (good) {
      expect_also("a sink");
    }
    return good;
  }

  // roll args "{" sink "}" and collector args "{" sink "}"
  bool roll(SinkTree& tree) {
    tree.kind = written(token()) == "roll" ? SinkTree::Kind::kRoll : SinkTree::Kind::kCollector;
    tree.call.name = written(token());
    tree.call.name_span = tree.call.span = token().span;
    take();
    if (!at(K::kLeftParen)) {
      fail(str_cat("write ", tree.call.name, "(", tree.call.name == "roll" ? "milliseconds" : "", ") { sink }"));
      skip_to({K::kLeftBrace});
    } else if (!arguments(tree.call.args)) {
      skip_to({K::kLeftBrace});
    }
    tree.call.span.end = last_end_;
    SinkTree& child = tree.children.emplace_back();
    child.span = {last_end_, last_end_};
    if (!accept(K::kLeftBrace)) {
      return fail(str_cat("the sink of ", tree.call.name, " stands in braces"));
    }
    if (!sink_tree(child)) {
      skip_to({K::kRightBrace});
    }
    return require(K::kRightBrace);
  }

  const SourceText& text_;
  DiagnosticSink diagnostics_;
  std::vector<Token> tokens_;
  size_t next_ = 0;
  uint32_t last_end_ = 0;  // end of the token taken last
  size_t failed_at_ = SIZE_MAX;
  bool gave_up_ = false;
  uint32_t sink_depth_ = 0;
  uint32_t function_depth_ = 0;
  std::vector<std::string_view> expected_;
};

}  // namespace

Parsed<Deployment> parse_deployment(const SourceText& text) {
  Parser parser(text);
  return parser.finish(parser.deployment());
}

Parsed<Call> parse_source(const SourceText& text) {
  Parser parser(text);
  return parser.finish(parser.source());
}

Parsed<SinkTree> parse_sink(const SourceText& text) {
  Parser parser(text);
  return parser.finish(parser.sink());
}

Parsed<Argument> parse_argument(const SourceText& text) {
  Parser parser(text);
  return parser.finish(parser.argument());
}

Parsed<std::string> parse_node_name(const SourceText& text) {
  Parser parser(text);
  return parser.finish(parser.node_name());
}

bool is_node_name(std::string_view text) { return parse_node_name(SourceText(std::string(text))).ok(); }

}  // namespace flume::lang
