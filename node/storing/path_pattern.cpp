#include "node/storing/path_pattern.h"

#include <algorithm>

#include "common/io/compressed_file.h"
#include "common/io/posix.h"

namespace flume::node {

namespace {

constexpr int kFoldersInValues = 4;  // an attribute or %D may bring in some of its own

// "", ".12", ".gz", ".12.gz": what is put behind the path of a file.
bool is_suffix(std::string_view text) {
  for (const FileCodec codec : {FileCodec::kGzip, FileCodec::kDeflate}) {
    if (text.ends_with(file_codec_extension(codec))) {
      text.remove_suffix(file_codec_extension(codec).size());
      break;
    }
  }
  return text.empty() || (text.size() > 1 && text[0] == '.' &&
                          std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; }));
}

}  // namespace

Result<PathPattern> PathPattern::parse(const StorePath& text, bool with_escapes) {
  PathPattern pattern;
  pattern.text_ = text;
  pattern.literals_ = {text};
  FLUME_ASSIGN_OR_RETURN(EscapeTemplate escapes, EscapeTemplate::parse(text));
  if (with_escapes && escapes.has_escapes()) {
    pattern.literals_ = {""};
    for (const EscapeTemplate::Piece& piece : escapes.pieces()) {
      if (piece.kind == EscapeTemplate::Piece::Kind::kLiteral) {
        pattern.literals_.back() += piece.text;
      } else {
        pattern.literals_.emplace_back();
      }
    }
    pattern.expander_.emplace(std::move(escapes), TimeZone::local(), EscapeUse::kPath);
  }
  const std::string& start = pattern.literals_.front();
  pattern.folder_ = parent_folder(start + "x");
  for (const std::string& literal : pattern.literals_) {
    pattern.depth_ += static_cast<int>(std::count(literal.begin(), literal.end(), '/'));
  }
  pattern.depth_ -= static_cast<int>(std::count(start.begin(), start.end(), '/'));
  pattern.depth_ += pattern.has_escapes() ? kFoldersInValues : 0;
  return pattern;
}

uint32_t PathPattern::expand(const EventBatch& batch, uint32_t row, StorePath& out) const {
  uint32_t rows = batch.rows() - row;
  if (expander_) {
    rows = expander_->expand_run(batch, row, out);
  } else {
    out = text_;
  }
  if (out.empty() || out.back() == '/') {
    out.push_back('_');
  }
  return rows;
}

bool PathPattern::matches(std::string_view final_name) const {
  if (!final_name.starts_with(literals_.front())) {
    return false;
  }
  std::string_view rest = final_name.substr(literals_.front().size());
  if (literals_.size() == 1) {
    return is_suffix(rest);
  }
  for (size_t i = 1; i + 1 < literals_.size(); ++i) {
    const size_t at = rest.find(literals_[i]);
    if (at == std::string_view::npos) {
      return false;
    }
    rest.remove_prefix(at + literals_[i].size());
  }
  const std::string& last = literals_.back();
  if (last.empty()) {
    return true;
  }
  const size_t at = rest.rfind(last);
  return at != std::string_view::npos && is_suffix(rest.substr(at + last.size()));
}

}  // namespace flume::node
