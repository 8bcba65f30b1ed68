// Text to tokens. Never fails: what cannot be a token is reported and left out, a broken string or number becomes a
// token marked as bad. White space and comments are dropped. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataflow-lang/diagnostic.h"
#include "dataflow-lang/token.h"

namespace flume::lang {

// All tokens in order; the last is kEnd, an empty span at the end of the text.
std::vector<Token> tokenize(DiagnosticSink& diagnostics);

// What a string literal (with its quotes) stands for. Nothing: it is not one.
std::optional<std::string> unquote(std::string_view literal);

}  // namespace flume::lang
