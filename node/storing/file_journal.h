// FileJournal: what the delivery journal has to hear of one file that is being written (common/journal/journal.h). A
// file is under the journal from its first row with a hop on; from then on nothing in it is promised before the journal
// says so, rows without a hop included: a recovery cuts the file to what the journal says. Thread: driver.
#pragma once

#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/event/batch.h"
#include "common/io/storage.h"
#include "common/journal/journal.h"

namespace flume::node {

struct JournalPlace {
  journal::Journal* journal = nullptr;  // null: nothing is written down
  std::string sink;                     // place in the plan
  Clock* clock = nullptr;               // with a journal
};

// The numbers that a log gave to the rows. Rows that were left out between them have been dealt with before. Empty:
// none did, or rows were multiplied and the numbers no longer tell them apart.
inline journal::Range hop_rows(const EventBatch& batch) {
  const Hop hop = batch.hop();
  return hop.stream == Id128{} || batch.multiplied()
             ? journal::Range{}
             : journal::Range{hop.stream, hop.ordinal, hop.ordinal + hop.span, hop.chain};
}
inline bool has_hop(const journal::Range& rows) { return rows.first < rows.below; }

class FileJournal {
 public:
  FileJournal(JournalPlace place, StorePath path, bool in_place)
      : place_(std::move(place)), path_(std::move(path)), in_place_(in_place) {}

  bool holds() const { return begin_ticket_ != 0; }
  bool can_begin() const { return place_.journal != nullptr && !is_off_; }

  // `length` bytes of the file are durable (R16). A file that cannot be told from another is never under the journal.
  void begin(const StoredFile& file, uint64_t length);
  Status wait_begun(const Wait& wait) { return holds() ? place_.journal->wait(begin_ticket_, wait) : Status(); }
  void durable(uint64_t length, std::vector<journal::Range> rows);
  bool done() const { return place_.journal->done(ticket_); }  // all that was said so far is durable
  Status wait(const Wait& wait) { return holds() ? place_.journal->wait(ticket_, wait) : Status(); }
  void gone();

  // A file that grows under its own name: is cut to what the journal says, if it knows the file, and stays under it.
  Status take_up(StoredFile& file);

 private:
  const JournalPlace place_;
  const StorePath path_;
  const bool in_place_;
  bool is_off_ = false;
  uint64_t begin_ticket_ = 0;
  uint64_t ticket_ = 0;
};

// Deals with the unfinished files that the journal knows and nobody writes, before anything else is written (R17): they
// are cut to what it says and published. What cannot be done is said in the log and tried again at the next call.
void recover_journalled(Storage& storage, journal::Journal& journal, const Wait& wait);

}  // namespace flume::node
