// Diagnostic: one thing wrong in a text, with its place, complete in itself: it can be printed, sent and kept without
// the text. Made by parser and checker; shown by `flume check`, the shell and the web page. Value.
//
// Codes are stable and explained in docs/language.md: L001-L019 text and syntax, L020-L049 names and arguments,
// L050-L059 values that have a syntax of their own, W001-... warnings.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/json/json.h"
#include "dataflow-lang/source_text.h"

namespace flume::lang {

inline constexpr size_t kMaxDiagnostics = 20;  // of one text; what is beyond is dropped and said so by a last one

enum class Severity : uint8_t { kError, kWarning };

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code;        // "L021"
  std::string message;     // without place and code
  std::string suggestion;  // text that would stand well at this place; empty = none
  std::vector<std::string> notes;

  std::string field;  // name of the text: "source", "sink", "text" or a file
  Span span;
  Place begin;
  Place end;
  uint32_t utf16_begin = 0;
  uint32_t utf16_end = 0;
  std::string source_line;  // the line of `begin`, cut around the place when it is very long
  std::string caret;        // what stands below source_line: "   ^~~~"
};

// Gathers the diagnostics of one text: fills in the places, keeps at most kMaxDiagnostics, drops a second error on a
// place that has one. One thread.
class DiagnosticSink {
 public:
  // `text` must outlive this.
  explicit DiagnosticSink(const SourceText& text) : text_(text) {}

  Diagnostic& error(std::string_view code, Span span, std::string message);
  Diagnostic& warning(std::string_view code, Span span, std::string message);
  bool has_errors() const { return errors_ > 0; }
  size_t errors() const { return errors_; }
  bool full() const { return full_; }
  const SourceText& text() const { return text_; }
  std::vector<Diagnostic> take();  // in order of place

 private:
  Diagnostic& add(Severity severity, std::string_view code, Span span, std::string message);
  bool make_room(Severity severity);

  const SourceText& text_;
  std::vector<Diagnostic> found_;
  Diagnostic dropped_;
  size_t errors_ = 0;
  bool full_ = false;
};

bool has_errors(std::span<const Diagnostic> diagnostics);

// web.flow:3:30: error L021: no decorator 'gizp'; did you mean 'gzip'?
//   3 | web : tail("/var/log/a") | { gizp => rpcSink("c1", 35853) } ;
//     |                              ^~~~
std::string to_text(const Diagnostic& diagnostic);
std::string to_text(std::span<const Diagnostic> diagnostics);  // each ends with a newline
// "sink:1:3: error L021: no decorator ..." for a single-line status.
std::string to_line(const Diagnostic& diagnostic);

// As docs/api.md describes it.
JsonValue to_json(const Diagnostic& diagnostic);
JsonValue to_json(std::span<const Diagnostic> diagnostics);

}  // namespace flume::lang
