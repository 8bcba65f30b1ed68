// PathPattern: where a storing sink writes: the path of its files, with or without escapes, and which files of a
// crashed process were its own. Value; used by one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/event/event_escape.h"
#include "common/io/storage.h"

namespace flume::node {

class PathPattern {
 public:
  // Without escapes a "%" is a "%".
  static Result<PathPattern> parse(const StorePath& text, bool with_escapes);

  bool has_escapes() const { return expander_.has_value(); }
  // Replaces `out` by the path of the row; how many rows from `row` on surely have the same. A file name that the
  // values leave empty is "_".
  uint32_t expand(const EventBatch& batch, uint32_t row, StorePath& out) const;
  const StorePath& text() const { return text_; }

  // Everything lies at most depth() folders below this one, which no escape is part of.
  const StorePath& folder() const { return folder_; }
  int depth() const { return depth_; }
  // Could this file be one of ours? "NAME", "NAME.1", "NAME.1.gz" for a path NAME.
  bool matches(std::string_view final_name) const;

 private:
  StorePath text_;
  std::optional<EscapeExpander> expander_;
  std::vector<std::string> literals_;  // between escapes; the first begins the path, the last ends it
  StorePath folder_;
  int depth_ = 0;
};

}  // namespace flume::node
