#include "dataflow-lang/diagnostic.h"

#include <algorithm>

#include "common/base/text.h"

namespace flume::lang {
namespace {

constexpr size_t kShownBefore = 80;  // bytes of a long line shown on either side of the place
constexpr size_t kShownAfter = 80;
constexpr std::string_view kCut = "...";

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// The line with what stands below it: blanks (tabs where the line has tabs), ^ and tildes to the end of the span.
void mark(Diagnostic& found, const SourceText& text) {
  const std::string_view line = text.line(found.begin.line);
  const uint32_t line_begin = text.line_begin(found.begin.line);
  size_t at = std::min<size_t>(found.span.begin - line_begin, line.size());
  const size_t marked_end = std::clamp<size_t>(found.span.end - line_begin, at, line.size());
  size_t from = at > kShownBefore + kCut.size() ? at - kShownBefore : 0;
  while (from > 0 && is_continuation(line[from])) {
    --from;
  }
  size_t to = line.size() - at > kShownAfter + kCut.size() ? at + kShownAfter : line.size();
  while (to < line.size() && is_continuation(line[to])) {
    ++to;
  }
  found.source_line = str_cat(from > 0 ? kCut : "", line.substr(from, to - from), to < line.size() ? kCut : "");
  found.caret.assign(from > 0 ? kCut.size() : 0, ' ');
  for (size_t i = from; i < at; ++i) {
    if (!is_continuation(line[i])) {
      found.caret += line[i] == '\t' ? '\t' : ' ';
    }
  }
  found.caret += '^';
  const uint32_t marked = count_code_points(line.substr(at, std::min(marked_end, to) - at));
  found.caret.append(marked > 1 ? marked - 1 : 0, '~');
}

bool overlap(Span a, Span b) { return a.begin < b.end && b.begin < a.end; }

std::string_view severity_name(Severity severity) { return severity == Severity::kError ? "error" : "warning"; }

}  // namespace

Diagnostic& DiagnosticSink::error(std::string_view code, Span span, std::string message) {
  return add(Severity::kError, code, span, std::move(message));
}

Diagnostic& DiagnosticSink::warning(std::string_view code, Span span, std::string message) {
  return add(Severity::kWarning, code, span, std::move(message));
}

// A text with an error must never look like one with warnings only, so an error takes the place of the last warning.
bool DiagnosticSink::make_room(Severity severity) {
  const auto last = std::find_if(found_.rbegin(), found_.rend(),
                                 [](const Diagnostic& found) { return found.severity == Severity::kWarning; });
  if (severity == Severity::kWarning || last == found_.rend()) {
    return false;
  }
  found_.erase(std::next(last).base());
  return true;
}

Diagnostic& DiagnosticSink::add(Severity severity, std::string_view code, Span span, std::string message) {
  const auto size = static_cast<uint32_t>(text_.text().size());
  span.begin = std::min(span.begin, size);
  span.end = std::clamp(span.end, span.begin, size);
  errors_ += severity == Severity::kError ? 1 : 0;
  const bool known = std::any_of(found_.begin(), found_.end(), [&](const Diagnostic& earlier) {
    return earlier.severity == Severity::kError && (earlier.span == span || overlap(earlier.span, span));
  });
  full_ = full_ || (!known && found_.size() >= kMaxDiagnostics);
  if (known || (full_ && !make_room(severity))) {
    dropped_ = {};
    return dropped_;
  }
  Diagnostic& found = found_.emplace_back();
  found.severity = severity;
  found.code = code;
  found.message = std::move(message);
  found.field = text_.name();
  found.span = span;
  found.begin = text_.place(span.begin);
  found.end = text_.place(span.end);
  found.utf16_begin = text_.utf16_offset(span.begin);
  found.utf16_end = found.utf16_begin + count_utf16_units(text_.at(span));
  mark(found, text_);
  return found;
}

std::vector<Diagnostic> DiagnosticSink::take() {
  std::stable_sort(found_.begin(), found_.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return a.span.begin < b.span.begin; });
  if (full_ && !found_.empty()) {
    found_.back().notes.push_back(str_cat("more than ", kMaxDiagnostics, " findings: the others are not shown"));
  }
  return std::move(found_);
}

bool has_errors(std::span<const Diagnostic> diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const Diagnostic& found) { return found.severity == Severity::kError; });
}

std::string to_line(const Diagnostic& found) {
  return str_cat(found.field, ":", found.begin.line, ":", found.begin.column, ": ", severity_name(found.severity), " ",
                 found.code, ": ", found.message);
}

std::string to_text(const Diagnostic& found) {
  const std::string number = std::to_string(found.begin.line);
  const std::string margin(number.size(), ' ');
  std::string out =
      str_cat(to_line(found), "\n  ", number, " | ", found.source_line, "\n  ", margin, " | ", found.caret);
  for (const std::string& note : found.notes) {
    str_append(out, "\n  ", margin, " = ", note);
  }
  return out;
}

std::string to_text(std::span<const Diagnostic> diagnostics) {
  std::string out;
  for (const Diagnostic& found : diagnostics) {
    str_append(out, to_text(found), '\n');
  }
  return out;
}

JsonValue to_json(const Diagnostic& found) {
  JsonValue out;
  out.set("severity", severity_name(found.severity));
  out.set("code", found.code);
  out.set("message", found.message);
  out.set("field", found.field);
  out.set("line", found.begin.line);
  out.set("column", found.begin.column);
  out.set("end_line", found.end.line);
  out.set("end_column", found.end.column);
  out.set("offset", found.span.begin);
  out.set("length", found.span.end - found.span.begin);
  out.set("utf16_offset", found.utf16_begin);
  out.set("utf16_length", found.utf16_end - found.utf16_begin);
  out.set("source_line", found.source_line);
  out.set("caret", found.caret);
  out.set("suggestion", found.suggestion.empty() ? JsonValue() : JsonValue(found.suggestion));
  JsonValue::Array notes;
  for (const std::string& note : found.notes) {
    notes.emplace_back(note);
  }
  out.set("notes", std::move(notes));
  return out;
}

JsonValue to_json(std::span<const Diagnostic> diagnostics) {
  JsonValue::Array out;
  for (const Diagnostic& found : diagnostics) {
    out.push_back(to_json(found));
  }
  return out;
}

}  // namespace flume::lang
