#include "dataflow-lang/lexer.h"

#include <array>

#include "common/base/text.h"
#include "dataflow-lang/printer.h"

namespace flume::lang {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_octal(char c) { return c >= '0' && c <= '7'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_ident(char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

// The kind of a number without its sign; nothing: it is none.
std::optional<TokenKind> number_kind(std::string_view text) {
  const auto digits = [&](size_t from) {
    size_t to = from;
    while (to < text.size() && is_digit(text[to])) {
      ++to;
    }
    return to;
  };
  if (text.size() > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    const bool all_hex = text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
    return text.size() > 2 && all_hex ? std::optional(TokenKind::kHex) : std::nullopt;
  }
  const size_t whole = digits(0);
  if (whole == text.size()) {
    if (text.size() == 1 || text[0] != '0') {
      return TokenKind::kDecimal;
    }
    const bool all_octal = text.find_first_of("89") == std::string_view::npos;
    return all_octal ? std::optional(TokenKind::kOctal) : std::nullopt;
  }
  size_t at = whole;
  if (text[at] == '.') {
    at = digits(at + 1);
    if (at == 1) {
      return std::nullopt;  // a lonely dot
    }
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const size_t exponent = at + 1 < text.size() && (text[at + 1] == '+' || text[at + 1] == '-') ? at + 2 : at + 1;
    at = digits(exponent);
    if (at == exponent) {
      return std::nullopt;
    }
  }
  if (at < text.size() && std::string_view("fFdD").find(text[at]) != std::string_view::npos) {
    ++at;
  }
  return at == text.size() ? std::optional(TokenKind::kFloat) : std::nullopt;
}

// Length of d.d.d.d at the front; 0: there is none.
size_t ipv4_length(std::string_view text) {
  size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (at >= text.size() || text[at] != '.') {
        return 0;
      }
      ++at;
    }
    const size_t begin = at;
    while (at < text.size() && is_digit(text[at])) {
      ++at;
    }
    if (at == begin || (at - begin > 1 && text[begin] == '0')) {
      return 0;
    }
  }
  return at < text.size() && is_ident(text[at]) ? 0 : at;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto byte = [&](uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xc0 | (code >> 6));
    byte(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    byte(0xe0 | (code >> 12));
    byte(0x80 | ((code >> 6) & 0x3f));
    byte(0x80 | (code & 0x3f));
  } else {
    byte(0xf0 | (code >> 18));
    byte(0x80 | ((code >> 12) & 0x3f));
    byte(0x80 | ((code >> 6) & 0x3f));
    byte(0x80 | (code & 0x3f));
  }
}

// One escape at the front of `text` (which starts with a backslash): its length and what it stands for. Length 0: it is
// none. The two halves of a surrogate pair are one escape.
struct Escape {
  size_t length = 0;
  uint32_t code = 0;
};

std::optional<uint32_t> unicode_escape(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') {
    return std::nullopt;
  }
  uint32_t code = 0;
  for (size_t i = 2; i < 6; ++i) {
    if (!is_hex(text[i])) {
      return std::nullopt;
    }
    const auto digit = static_cast<uint32_t>(is_digit(text[i]) ? text[i] - '0' : (text[i] | 0x20) - 'a' + 10);
    code = code * 16 + digit;
  }
  return code;
}

Escape read_escape(std::string_view text) {
  constexpr std::string_view kLetters = "btnfr\"'\\";
  constexpr std::string_view kMeanings = "\b\t\n\f\r\"'\\";
  if (text.size() < 2) {
    return {};
  }
  if (const size_t at = kLetters.find(text[1]); at != std::string_view::npos) {
    return {2, static_cast<unsigned char>(kMeanings[at])};
  }
  if (is_octal(text[1])) {
    const size_t most = text[1] <= '3' ? 4 : 3;  // no more than \377
    Escape escape{1, 0};
    while (escape.length < most && escape.length < text.size() && is_octal(text[escape.length])) {
      escape.code = escape.code * 8 + static_cast<uint32_t>(text[escape.length++] - '0');
    }
    return escape;
  }
  const auto high = unicode_escape(text);
  if (!high || (*high >= 0xdc00 && *high < 0xe000)) {
    return {};
  }
  if (*high < 0xd800 || *high >= 0xe000) {
    return {6, *high};
  }
  const auto low = unicode_escape(text.substr(6));
  if (!low || *low < 0xdc00 || *low >= 0xe000) {
    return {};
  }
  return {12, 0x10000 + ((*high - 0xd800) << 10) + (*low - 0xdc00)};
}

class Lexer {
 public:
  explicit Lexer(DiagnosticSink& diagnostics) : diagnostics_(diagnostics), text_(diagnostics.text().text()) {}

  std::vector<Token> run() {
    tokens_.reserve(text_.size() / 4 + 1);
    while (at_ < text_.size()) {
      step();
    }
    at_ = text_.size();
    emit(TokenKind::kEnd, 0);
    return std::move(tokens_);
  }

 private:
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  Span span(size_t begin, size_t end) const { return {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)}; }

  void emit(TokenKind kind, size_t length, bool is_bad = false) {
    tokens_.push_back({kind, is_bad, span(at_, at_ + length)});
    at_ += length;
  }

  void step() {
    const char c = peek();
    if (is_space(c)) {
      ++at_;
    } else if (is_letter(c)) {
      size_t end = at_ + 1;
      while (end < text_.size() && is_ident(text_[end])) {
        ++end;
      }
      emit(TokenKind::kIdent, end - at_);
    } else if (starts_number()) {
      number();
    } else if (c == '"') {
      string();
    } else if (c == '/' && (peek(1) == '/' || peek(1) == '*')) {
      comment();
    } else if (!punctuation()) {
      bad_characters();
    }
  }

  bool starts_number() const {
    const size_t sign = peek() == '-' ? 1 : 0;
    return is_digit(peek(sign)) || (peek(sign) == '.' && is_digit(peek(sign + 1)));
  }

  void number() {
    if (const size_t length = ipv4_length(text_.substr(at_)); length > 0) {
      emit(TokenKind::kIpv4, length);
      return;
    }
    const size_t sign = peek() == '-' ? 1 : 0;
    size_t end = at_ + sign;
    const bool hex = peek(sign) == '0' && (peek(sign + 1) | 0x20) == 'x';
    while (end < text_.size() &&
           (is_letter(text_[end]) || is_digit(text_[end]) || text_[end] == '.' || text_[end] == '_')) {
      const bool exponent = !hex && (text_[end] | 0x20) == 'e';
      const bool is_signed = exponent && end + 2 < text_.size() && (text_[end + 1] == '+' || text_[end + 1] == '-');
      end += is_signed && is_digit(text_[end + 2]) ? 2 : 1;
    }
    const std::string_view written = text_.substr(at_, end - at_);
    const auto kind = number_kind(written.substr(sign));
    if (!kind) {
      Diagnostic& found = diagnostics_.error("L006", span(at_, end), str_cat("'", written, "' is not a number"));
      if (written.size() > sign + 1 && written[sign] == '0' && is_digit(written[sign + 1])) {
        found.notes.push_back("a leading 0 makes a number octal: digits 0 to 7");
      }
    }
    emit(kind.value_or(TokenKind::kDecimal), written.size(), !kind);
  }

  // From the quote at at_ to the one that ends it. Line ends are allowed inside.
  void string() {
    size_t end = at_ + 1;
    bool is_bad = false;
    while (end < text_.size() && text_[end] != '"') {
      if (text_[end] != '\\') {
        ++end;
        continue;
      }
      const Escape escape = read_escape(text_.substr(end));
      if (escape.length == 0 && end + 1 < text_.size()) {
        bad_escape(end);
        is_bad = true;
      }
      end += escape.length > 0 ? escape.length : 2;
    }
    if (end < text_.size()) {
      if (!is_valid_utf8(text_.substr(at_, end - at_))) {
        diagnostics_.error("L001", span(at_, end + 1), "this string is not valid UTF-8");
        is_bad = true;
      }
      emit(TokenKind::kString, end + 1 - at_, is_bad);
      return;
    }
    // The line is given up and the rest is read, so that errors further down are found in the same pass.
    diagnostics_.error("L003", span(at_, at_ + 1), "this string has no end: expected '\"'");
    const size_t line_end = text_.find('\n', at_);
    emit(TokenKind::kString, (line_end == std::string_view::npos ? text_.size() : line_end) - at_, true);
  }

  void bad_escape(size_t at) {
    size_t end = at + 2;
    if (text_[at + 1] == 'u') {
      while (end < text_.size() && end < at + 6 && is_hex(text_[end])) {
        ++end;
      }
      const bool lonely = end == at + 6;
      diagnostics_.error("L004", span(at, end),
                         lonely ? str_cat("'", text_.substr(at, end - at), "' is half of a surrogate pair")
                                : std::string("\\u needs four hexadecimal digits"));
      return;
    }
    while (end < text_.size() && is_continuation(text_[end])) {
      ++end;
    }
    Diagnostic& found = diagnostics_.error("L004", span(at, end),
                                           str_cat("unknown escape '", text_.substr(at, end - at), "' in a string"));
    found.suggestion = str_cat("\\", text_.substr(at, end - at));
    found.notes.push_back("known are \\b \\t \\n \\f \\r \\\" \\' \\\\ \\uXXXX and octal \\0 to \\377");
    found.notes.push_back(str_cat("a backslash itself is written twice: ", found.suggestion));
  }

  void comment() {
    if (peek(1) == '/') {
      const size_t end = text_.find('\n', at_);
      at_ = end == std::string_view::npos ? text_.size() : end + 1;
      return;
    }
    const size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) {
      diagnostics_.error("L005", span(at_, at_ + 2), "this comment has no end: expected '*/'");
      at_ = text_.size();
      return;
    }
    at_ = end + 2;
  }

  bool punctuation() {
    constexpr std::string_view kCharacters = "(){}[]<>,;:|?=";
    const size_t at = kCharacters.find(peek());
    if (at == std::string_view::npos || peek() == '\0') {
      return false;
    }
    if (peek() == '=' && peek(1) == '>') {
      emit(TokenKind::kArrow, 2);
      return true;
    }
    emit(static_cast<TokenKind>(static_cast<size_t>(TokenKind::kLeftParen) + at), 1);
    return true;
  }

  static bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

  void bad_characters() {
    if (quoted_otherwise("'", "'") || quoted_otherwise("\xe2\x80\x9c", "\xe2\x80\x9d") ||
        quoted_otherwise("\xe2\x80\x9e", "\xe2\x80\x9c")) {
      return;
    }
    // One finding for a run of them.
    size_t end = at_ + 1;
    while (end < text_.size() && static_cast<unsigned char>(text_[end]) >= 0x80) {
      ++end;
    }
    const std::string_view run = text_.substr(at_, end - at_);
    if (!is_valid_utf8(run) || static_cast<unsigned char>(run[0]) < 0x20 || run[0] == 0x7f) {
      diagnostics_.error("L001", span(at_, end),
                         str_cat("unexpected byte 0x", to_hex(std::array{static_cast<uint8_t>(run[0])})));
    } else {
      diagnostics_.error("L001", span(at_, end), str_cat("unexpected character '", run, "'"));
    }
    at_ = end;
  }

  // 'text' and “text”: meant as a string.
  bool quoted_otherwise(std::string_view open, std::string_view close) {
    if (text_.substr(at_, open.size()) != open) {
      return false;
    }
    const size_t end = text_.find(close, at_ + open.size());
    if (end == std::string_view::npos || text_.substr(at_, end - at_).find_first_of("\n;|") != std::string_view::npos) {
      return false;
    }
    const size_t length = end + close.size() - at_;
    Diagnostic& found =
        diagnostics_.error("L002", span(at_, at_ + length), "a string is written in double quotes, \"like this\"");
    found.suggestion = string_literal(text_.substr(at_ + open.size(), end - at_ - open.size()));
    emit(TokenKind::kString, length, true);
    return true;
  }

  DiagnosticSink& diagnostics_;
  const std::string_view text_;
  size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::string_view token_kind_name(TokenKind kind) {
  switch (kind) {
    case TokenKind::kIdent: return "a name";
    case TokenKind::kIpv4: return "an IP address";
    case TokenKind::kDecimal:
    case TokenKind::kHex:
    case TokenKind::kOctal:
    case TokenKind::kFloat: return "a number";
    case TokenKind::kString: return "a string";
    case TokenKind::kLeftParen: return "'('";
    case TokenKind::kRightParen: return "')'";
    case TokenKind::kLeftBrace: return "'{'";
    case TokenKind::kRightBrace: return "'}'";
    case TokenKind::kLeftBracket: return "'['";
    case TokenKind::kRightBracket: return "']'";
    case TokenKind::kLess: return "'<'";
    case TokenKind::kGreater: return "'>'";
    case TokenKind::kComma: return "','";
    case TokenKind::kSemicolon: return "';'";
    case TokenKind::kColon: return "':'";
    case TokenKind::kPipe: return "'|'";
    case TokenKind::kQuestion: return "'?'";
    case TokenKind::kEquals: return "'='";
    case TokenKind::kArrow: return "'=>'";
    case TokenKind::kEnd: return "the end";
  }
  return "";
}

std::vector<Token> tokenize(DiagnosticSink& diagnostics) { return Lexer(diagnostics).run(); }

std::optional<std::string> unquote(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != '"' || literal.back() != '"') {
    return std::nullopt;
  }
  literal = literal.substr(1, literal.size() - 2);
  std::string out;
  while (!literal.empty()) {
    if (literal[0] == '"') {
      return std::nullopt;
    }
    if (literal[0] != '\\') {
      const size_t plain = std::min(literal.find_first_of("\\\""), literal.size());
      out.append(literal.substr(0, plain));
      literal.remove_prefix(plain);
      continue;
    }
    const Escape escape = read_escape(literal);
    if (escape.length == 0) {
      return std::nullopt;
    }
    append_utf8(out, escape.code);
    literal.remove_prefix(escape.length);
  }
  return out;
}

}  // namespace flume::lang
