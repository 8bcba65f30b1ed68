// LineInput: rows from the lines of a descriptor, for sources that read text once from its start: text, stdin, console.
// A line ends at \n, \r\n or \r (as in the classic system); a last line without an end is a row too. A line longer than
// the event limit is cut into rows of the limit and counted. Bytes are kept as they are but for the ends.
//
// Reads go straight into the batch's blob; only a chunk that has a \r in it is moved. Thread: driver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "node/runtime/component.h"

namespace flume::node {

class LineInput {
 public:
  // `what` names the input in errors. The descriptor is borrowed.
  LineInput(Context& context, int fd, std::string what);

  Result<Source::Next> next(EventBatch& out, const Wait& wait);
  // Goes back to the first unsettled row of a file that can be sought in.
  Status rewind();
  const std::shared_ptr<AckTracker>& tracker() const { return tracker_; }

 private:
  Result<bool> ready(const Wait& wait) const;
  Result<size_t> read_some();
  size_t unify_line_ends(std::span<char> bytes);
  void seal(EventBatch& out);

  Context& context_;
  const int fd_;
  const std::string what_;
  Counter& cut_lines_;
  std::shared_ptr<AckTracker> tracker_;
  BatchBuilder builder_;
  uint64_t skip_ = 0;      // bytes, with unified ends, that were settled before a rewind
  bool after_cr_ = false;  // a \n that comes now belongs to the \r before it
  bool saw_cr_ = false;    // file offsets and positions differ
  bool ended_ = false;
};

}  // namespace flume::node
