#include "dataflow-lang/completion.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "common/base/text.h"
#include "dataflow-lang/lexer.h"
#include "dataflow-lang/printer.h"

namespace flume::lang {
namespace {

using Kind = ComponentSpec::Kind;
constexpr size_t kMaxItems = 50;

bool is_word_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || c == '-' || c == '.' || byte >= 0x80;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// What is open at a place: the arguments of a call, or a bracket around sinks.
struct Frame {
  bool is_call = false;
  std::string name = {};  // of the call
  std::optional<Kind> kind = {};
  size_t index = 0;  // of the argument, among the positional ones
  std::string keyword = {};
  std::vector<std::string> given = {};  // keywords
};

enum class Expect : uint8_t { kNode, kNothing, kSource, kSink, kDecorator };

// What may stand at a place, from the tokens before it. Broken text gives a guess, never an error.
class Position {
 public:
  explicit Position(CompletionField field) {
    expect_ = field == CompletionField::kText     ? Expect::kNode
              : field == CompletionField::kSource ? Expect::kSource
                                                  : Expect::kSink;
  }

  void pass(TokenKind token, std::string_view text) {
    if (in_call()) {
      pass_in_call(token, text);
      return;
    }
    switch (token) {
      case TokenKind::kIdent: pass_name(text); break;
      case TokenKind::kLeftParen: frames_.push_back({.is_call = true, .name = last_name_, .kind = last_kind_}); break;
      case TokenKind::kLeftBrace: expect_ = last_was_roll_ ? Expect::kSink : Expect::kDecorator; break;
      case TokenKind::kColon: expect_ = Expect::kSource; break;
      case TokenKind::kSemicolon: expect_ = Expect::kNode; break;
      case TokenKind::kPipe:
      case TokenKind::kLeftBracket:
      case TokenKind::kLess:
      case TokenKind::kQuestion:
      case TokenKind::kArrow:
      case TokenKind::kComma: expect_ = Expect::kSink; break;
      default: expect_ = Expect::kNothing;
    }
  }

  bool in_call() const { return !frames_.empty() && frames_.back().is_call; }
  const Frame& call() const { return frames_.back(); }
  Expect expects() const { return expect_; }

 private:
  void pass_name(std::string_view text) {
    last_name_ = text;
    last_was_roll_ = text == "roll" || text == "collector";
    if (expect_ == Expect::kSource) {
      last_kind_ = Kind::kSource;
      expect_ = Expect::kNothing;
    } else if (expect_ == Expect::kDecorator) {
      last_kind_ = Kind::kDecorator;
      expect_ = Expect::kNothing;
    } else if (expect_ == Expect::kSink) {
      last_kind_.reset();  // a sink, or a decorator with its sink behind it
    } else {
      expect_ = Expect::kNothing;
    }
  }

  void pass_in_call(TokenKind token, std::string_view text) {
    Frame& frame = frames_.back();
    switch (token) {
      case TokenKind::kIdent: last_name_ = text; break;
      case TokenKind::kLeftParen:
        frames_.push_back({.is_call = true, .name = last_name_, .kind = Kind::kFormat});
        break;
      case TokenKind::kRightParen: frames_.pop_back(); break;
      case TokenKind::kEquals:
        frame.keyword = last_name_;
        frame.given.push_back(last_name_);
        break;
      case TokenKind::kComma:
        frame.index += frame.keyword.empty() ? 1 : 0;
        frame.keyword.clear();
        break;
      default: break;
    }
  }

  Expect expect_;
  std::vector<Frame> frames_;
  std::string last_name_;
  std::optional<Kind> last_kind_;
  bool last_was_roll_ = false;
};

class Candidates {
 public:
  Candidates(const Catalog& catalog, std::string_view word) : catalog_(catalog), word_(lower(word)) {}

  void add_components(Kind kind) {
    for (const ComponentSpec& spec : catalog_.all()) {
      if (spec.kind != kind) {
        continue;
      }
      add({spec.name, std::string(kind_name(kind)), spec.name, signature(spec), spec.summary});
      for (const std::string& alias : spec.aliases) {
        add({alias, std::string(kind_name(kind)), alias, signature(spec), spec.summary});
      }
    }
  }

  void add_nodes(std::span<const std::string> nodes) {
    for (const std::string& node : nodes) {
      add({node, "node", node, "", ""});
    }
  }

  void add_arguments(const Frame& call) {
    const ComponentSpec* spec = find(call);
    if (spec == nullptr) {
      return;
    }
    const ArgSpec* current = nullptr;
    size_t position = 0;
    for (const ArgSpec& arg : spec->args) {
      const bool here = call.keyword.empty() ? !arg.keyword_only && (position == call.index || arg.repeated)
                                             : arg.name == call.keyword;
      position += arg.keyword_only ? 0 : 1;
      current = here && current == nullptr ? &arg : current;
    }
    if (current != nullptr) {
      add_values(*current);
    }
    if (!call.keyword.empty()) {
      return;
    }
    for (const ArgSpec& arg : spec->args) {
      if (std::find(call.given.begin(), call.given.end(), arg.name) == call.given.end()) {
        add({arg.name, "argument", arg.name + "=", std::string(arg_type_name(arg.type)), arg.doc});
      }
    }
  }

  // What begins with the word first, then what holds it; each in the order it was added.
  std::vector<CompletionItem> take() {
    starting_.insert(starting_.end(), std::make_move_iterator(holding_.begin()),
                     std::make_move_iterator(holding_.end()));
    starting_.resize(std::min(starting_.size(), kMaxItems));
    return std::move(starting_);
  }

 private:
  const ComponentSpec* find(const Frame& call) const {
    if (call.kind) {
      return catalog_.find(*call.kind, call.name);
    }
    const ComponentSpec* sink = catalog_.find(Kind::kSink, call.name);
    return sink != nullptr ? sink : catalog_.find(Kind::kDecorator, call.name);
  }

  void add_values(const ArgSpec& arg) {
    if (arg.type == ArgType::kFormat) {
      add_components(Kind::kFormat);
    } else if (arg.type == ArgType::kBool) {
      add({"true", "value", "true", "", arg.doc});
      add({"false", "value", "false", "", arg.doc});
    }
    for (const std::string& value : arg.one_of) {
      const std::string written =
          arg.type == ArgType::kFunction ? value.substr(0, value.find('(')) : string_literal(value);
      add({value, "value", written, "", arg.doc});
    }
  }

  void add(CompletionItem item) {
    const size_t at = lower(item.label).find(word_);
    if (at != std::string::npos) {
      (at == 0 ? starting_ : holding_).push_back(std::move(item));
    }
  }

  const Catalog& catalog_;
  const std::string word_;
  std::vector<CompletionItem> starting_;
  std::vector<CompletionItem> holding_;
};

}  // namespace

Completion complete(CompletionField field, std::string_view text, uint32_t offset, const Catalog& catalog,
                    std::span<const std::string> nodes) {
  Completion completion;
  text = text.substr(0, kMaxTextBytes);
  const size_t cursor = std::min<size_t>(offset, text.size());
  size_t from = cursor;
  while (from > 0 && is_word_char(text[from - 1])) {
    --from;
  }
  size_t to = cursor;
  while (to < text.size() && is_word_char(text[to])) {
    ++to;
  }
  completion.from = static_cast<uint32_t>(from);
  completion.to = static_cast<uint32_t>(to);

  const SourceText source{std::string(text)};
  DiagnosticSink ignored(source);
  Position position(field);
  for (const Token& token : tokenize(ignored)) {
    if (token.span.begin >= from || token.kind == TokenKind::kEnd) {
      break;
    }
    const bool unclosed = token.is_bad && token.kind == TokenKind::kString;
    if (token.kind == TokenKind::kString && (token.span.end > cursor || (unclosed && token.span.end == cursor))) {
      return completion;  // within a text
    }
    position.pass(token.kind, source.at(token.span));
  }
  Candidates candidates(catalog, text.substr(from, cursor - from));
  if (position.in_call()) {
    candidates.add_arguments(position.call());
  } else if (position.expects() == Expect::kNode) {
    candidates.add_nodes(nodes);
  } else if (position.expects() == Expect::kSource) {
    candidates.add_components(Kind::kSource);
  } else if (position.expects() == Expect::kSink) {
    candidates.add_components(Kind::kSink);
    candidates.add_components(Kind::kDecorator);
  } else if (position.expects() == Expect::kDecorator) {
    candidates.add_components(Kind::kDecorator);
  }
  completion.items = candidates.take();
  return completion;
}

JsonValue to_json(const Completion& completion) {
  JsonValue out;
  out.set("from", completion.from);
  out.set("to", completion.to);
  JsonValue::Array items;
  for (const CompletionItem& item : completion.items) {
    JsonValue entry;
    entry.set("label", item.label);
    entry.set("kind", item.kind);
    entry.set("insert", item.insert);
    entry.set("detail", item.detail);
    entry.set("doc", item.doc);
    items.push_back(std::move(entry));
  }
  out.set("items", std::move(items));
  return out;
}

}  // namespace flume::lang
