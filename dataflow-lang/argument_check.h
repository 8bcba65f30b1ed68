// The arguments of one call against the description of what it calls. Internal to the checker.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "dataflow-lang/ast.h"
#include "dataflow-lang/checker.h"

namespace flume::lang {

struct CheckContext {
  const Catalog& catalog;
  const CheckOptions& options;
  DiagnosticSink& diagnostics;
};

// Typed values of all arguments, defaults filled in. Nothing: something is wrong, and reported here or by the parser.
// `owner` names the component in messages; `call` is the place for what is missing.
std::optional<Args> check_arguments(const CheckContext& context, const ComponentSpec& owner,
                                    std::span<const Argument> given, Span call);

// "; did you mean 'gzip'?" and the suggestion itself, for a name at the place of `found`.
void suggest(Diagnostic& found, std::string_view nearest);

}  // namespace flume::lang
