// Token: a word of the language with its place. Made by the lexer, read by parser and completion. Value.
#pragma once

#include <cstdint>
#include <string_view>

#include "dataflow-lang/source_text.h"

namespace flume::lang {

enum class TokenKind : uint8_t {
  kIdent,
  kIpv4,  // 10.0.0.1: the name of a node only
  kDecimal,
  kHex,
  kOctal,
  kFloat,
  kString,
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kLess,
  kGreater,
  kComma,
  kSemicolon,
  kColon,
  kPipe,
  kQuestion,
  kEquals,
  kArrow,  // =>
  kEnd,
};

std::string_view token_kind_name(TokenKind kind);  // as it is shown in "expected ...": "a name", "','"

struct Token {
  TokenKind kind = TokenKind::kEnd;
  bool is_bad = false;  // a number or string with an error in it, which the lexer has reported
  Span span;
};

}  // namespace flume::lang
