#include "common/text/regex.h"

#include <re2/re2.h>

#include <array>
#include <optional>

#include "common/base/text.h"

namespace flume {

namespace {

constexpr size_t kMaxPatternBytes = 64 << 10;

// Walks over a pattern in Java's spelling: finds what RE2 lacks or reads otherwise, and respells the rest for RE2.
class JavaPattern {
 public:
  explicit JavaPattern(std::string_view text) : text_(text) {}

  Result<std::string> to_re2() {
    while (at_ < text_.size() && error_.empty()) {
      if (in_quote_) {
        step_quote();
      } else if (text_[at_] == '\\') {
        step_escape();
      } else if (class_depth_ > 0) {
        step_class();
      } else {
        step_plain();
      }
    }
    if (!error_.empty()) {
      return invalid(str_cat("at ", error_at_, ": ", error_));
    }
    return std::move(out_);
  }

 private:
  bool next_is(std::string_view what) const { return text_.substr(at_).substr(0, what.size()) == what; }
  void copy(size_t n) {
    out_.append(text_.substr(at_, n));
    at_ += n;
  }
  void refuse(std::string_view what) {
    error_ = what;
    error_at_ = at_;
  }

  void step_quote() {
    in_quote_ = !next_is("\\E");
    copy(in_quote_ ? 1 : 2);
  }

  void step_escape() {
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    can_repeat_ = true;
    if (c == 'Q') {
      in_quote_ = true;
    } else if ((c >= '1' && c <= '9') || c == 'k') {
      return refuse(c == 'k' ? "a back reference \\k<name> is not supported"
                             : "a back reference such as \\1 is not supported");
    } else if (c == 'u') {
      return respell_unicode();
    } else if (c == 'e') {
      out_.append("\\x1B");
      at_ += 2;
      return;
    } else if (c == 'h') {
      out_.append(class_depth_ > 0 ? " \\t" : "[ \\t]");
      at_ += 2;
      return;
    } else if (c == 'Z' || c == 'G' || c == 'R' || c == 'X' || c == 'c') {
      return refuse(str_cat("\\", c, " is not supported"));
    }
    copy(c == '\0' ? 1 : 2);
  }

  void respell_unicode() {
    const std::string_view digits = text_.substr(std::min(at_ + 2, text_.size())).substr(0, 4);
    if (digits.size() < 4 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
      return refuse("\\u needs four hexadecimal digits");
    }
    str_append(out_, "\\x{", digits, "}");
    at_ += 6;
  }

  void step_class() {
    if (next_is("&&")) {
      return refuse("an intersection && in a character class is not supported");
    }
    if (next_is("[:")) {  // [[:alpha:]]: RE2's own
      const size_t end = text_.find(":]", at_);
      return end == std::string_view::npos ? copy(1) : copy(end + 2 - at_);
    }
    if (text_[at_] == '[') {
      return refuse("a character class inside a character class is not supported");
    }
    class_depth_ = text_[at_] == ']' ? 0 : 1;
    copy(1);
  }

  void step_plain() {
    const char c = text_[at_];
    if (c == '[') {
      class_depth_ = 1;
      copy(1);
      if (next_is("^")) {
        copy(1);
      }
      if (next_is("]")) {
        out_.push_back('\\');
        copy(1);
      }
      can_repeat_ = true;
      return;
    }
    if (c == '(') {
      return step_group();
    }
    const bool is_range = c == '{' && can_repeat_;
    if (c == '*' || c == '+' || c == '?' || is_range) {
      return step_repeat(is_range);
    }
    can_repeat_ = c != '|';
    copy(1);
  }

  void step_group() {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kMissing{{
        {"(?=", "look-ahead (?=...) is not supported"},
        {"(?!", "look-ahead (?!...) is not supported"},
        {"(?<=", "look-behind (?<=...) is not supported"},
        {"(?<!", "look-behind (?<!...) is not supported"},
        {"(?>", "an atomic group (?>...) is not supported"},
    }};
    for (const auto& [start, what] : kMissing) {
      if (next_is(start)) {
        return refuse(what);
      }
    }
    can_repeat_ = false;
    if (next_is("(?<")) {  // a named group
      out_.append("(?P<");
      at_ += 3;
      return;
    }
    copy(next_is("(?") ? 2 : 1);
  }

  void step_repeat(bool is_range) {
    const size_t end = is_range ? text_.find('}', at_) : at_;
    if (end == std::string_view::npos) {
      return copy(1);
    }
    if (end + 1 < text_.size() && text_[end + 1] == '+') {
      at_ = end;
      return refuse("a possessive repetition such as *+ is not supported");
    }
    copy(end + 1 - at_);
    if (next_is("?")) {
      copy(1);
    }
    can_repeat_ = true;
  }

  const std::string_view text_;
  size_t at_ = 0;
  std::string out_;
  bool in_quote_ = false;    // between \Q and \E
  bool can_repeat_ = false;  // something that a {n,m} may follow stands before
  int class_depth_ = 0;      // 1 inside [...]
  std::string error_;
  size_t error_at_ = 0;
};

std::unique_ptr<re2::RE2> compile_program(const std::string& pattern, bool bytes) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(bytes ? re2::RE2::Options::EncodingLatin1 : re2::RE2::Options::EncodingUTF8);
  return std::make_unique<re2::RE2>(pattern, options);
}

// A pattern's characters beyond ASCII are bytes for a program over bytes; RE2 wants them one by one.
bool is_ascii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) {
      return false;
    }
  }
  return true;
}

// The bytes of the character at text[at], 1 where it is none.
size_t character_bytes(std::string_view text, size_t at) {
  for (size_t n = 1; n <= 4 && at + n <= text.size(); ++n) {
    if (is_valid_utf8(text.substr(at, n))) {
      return n;
    }
  }
  return 1;
}

}  // namespace

struct Regex::Impl {
  std::string pattern;
  std::unique_ptr<re2::RE2> utf8;   // null with Options::bytes
  std::unique_ptr<re2::RE2> bytes;  // null where the pattern means something over UTF-8 only
  size_t groups = 0;

  const re2::RE2& program_for(std::string_view text) const {
    if (utf8 == nullptr || (bytes != nullptr && !is_ascii(text) && !is_valid_utf8(text))) {
      return *bytes;
    }
    return *utf8;
  }
};

namespace {

bool run(const re2::RE2& program, std::string_view text, size_t from, std::span<std::string_view> groups,
         size_t group_count) {
  std::array<re2::StringPiece, Regex::kMaxGroups + 1> found;
  const size_t wanted = std::min(groups.size(), group_count + 1);
  if (from > text.size() || !program.Match(re2::StringPiece(text.data(), text.size()), from, text.size(),
                                           re2::RE2::UNANCHORED, found.data(), static_cast<int>(wanted))) {
    return false;
  }
  for (size_t i = 0; i < groups.size(); ++i) {
    groups[i] = i < wanted ? std::string_view(found[i].data(), found[i].size()) : std::string_view();
  }
  return true;
}

}  // namespace

Result<Regex> Regex::compile(std::string_view pattern, Options options) {
  const auto error = [&](std::string_view what) {
    return invalid(str_cat("regular expression ", quoted(pattern), ": ", what));
  };
  if (pattern.size() > kMaxPatternBytes) {
    return invalid(str_cat("regular expression of ", pattern.size(), " bytes: longer than ", kMaxPatternBytes));
  }
  const Result<std::string> translated = JavaPattern(pattern).to_re2();
  if (!translated.ok()) {
    return error(translated.status().message());
  }
  auto impl = std::make_shared<Impl>();
  impl->pattern = pattern;
  if (!options.bytes) {
    impl->utf8 = compile_program(*translated, false);
  }
  // Over bytes a character beyond ASCII is a sequence, which only works outside of [...] and before no repetition; such
  // patterns stay with UTF-8 unless bytes were asked for.
  if (options.bytes || is_ascii(*translated)) {
    impl->bytes = compile_program(*translated, true);
  }
  const re2::RE2& first = impl->utf8 != nullptr ? *impl->utf8 : *impl->bytes;
  if (!first.ok()) {
    return error(first.error());
  }
  if (impl->bytes != nullptr && !impl->bytes->ok()) {  // \x{20AC} is no byte
    if (options.bytes) {
      return error(impl->bytes->error());
    }
    impl->bytes.reset();
  }
  impl->groups = static_cast<size_t>(first.NumberOfCapturingGroups());
  if (impl->groups > kMaxGroups) {
    return error(str_cat(impl->groups, " groups, more than ", kMaxGroups));
  }
  return Regex(std::move(impl));
}

const std::string& Regex::pattern() const { return impl_->pattern; }
size_t Regex::group_count() const { return impl_->groups; }

bool Regex::find(std::string_view text, size_t from, std::span<std::string_view> groups) const {
  return run(impl_->program_for(text), text, from, groups, impl_->groups);
}

bool Regex::matches_somewhere(std::string_view text) const { return find(text, 0, {}); }

void Regex::split(std::string_view text, std::vector<std::string_view>& out) const {
  out.clear();
  const re2::RE2& program = impl_->program_for(text);
  size_t piece = 0;
  size_t from = 0;
  std::array<std::string_view, 1> match;
  while (from <= text.size() && run(program, text, from, match, impl_->groups)) {
    const auto start = static_cast<size_t>(match[0].data() - text.data());
    const size_t end = start + match[0].size();
    if (end > 0) {  // else an empty match at the very start
      out.push_back(text.substr(piece, start - piece));
      piece = end;
    }
    from = match[0].empty() ? end + (end < text.size() ? character_bytes(text, end) : 1) : end;
  }
  if (piece == 0) {
    out.assign(1, text);
    return;
  }
  out.push_back(text.substr(piece));
  while (!out.empty() && out.back().empty()) {
    out.pop_back();
  }
}

}  // namespace flume
