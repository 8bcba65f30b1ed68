// Fills in escape templates from rows. Where the columns a template uses are constant over a batch and its times stay
// in one step (a minute for %Y/%m/%d/%H), a whole batch costs one evaluation; else rows are compared and only a run's
// first is expanded. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/event/batch.h"
#include "common/event/event.h"
#include "common/text/escape.h"

namespace flume {

// What the expansion is for. In a path, what an event brings in cannot climb: a component that is "." or ".." only
// because of an event's value has its dots replaced by "_", zero bytes too, and no component grows over 200 bytes by a
// value.
enum class EscapeUse : uint8_t { kText, kPath };

class EscapeExpander {
 public:
  EscapeExpander(EscapeTemplate pattern, TimeZone zone, EscapeUse use)
      : template_(std::move(pattern)), zone_(zone), use_(use) {}

  const EscapeTemplate& pattern() const { return template_; }
  // Replaces `out` by the text for one row.
  void expand(const EventBatch& batch, uint32_t row, std::string& out) const;
  void expand(const Event& event, std::string& out) const;
  // The same, and how many rows from `row` on surely have this text (at least 1): a run. Not always the longest one.
  uint32_t expand_run(const EventBatch& batch, uint32_t row, std::string& out) const;

 private:
  template <class Values>
  void fill_in(const Values& values, std::string& out) const;
  uint32_t run_length(const EventBatch& batch, uint32_t row) const;

  EscapeTemplate template_;
  TimeZone zone_;
  EscapeUse use_;
};

}  // namespace flume
