#include "node/storing/file_journal.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::node {

void FileJournal::begin(const StoredFile& file, uint64_t length) {
  const auto identity = file.identity();
  if (!can_begin() || !identity.ok()) {
    is_off_ = true;
    return;
  }
  begin_ticket_ =
      place_.journal->commit(journal::Begin{path_, *identity, length, in_place_, place_.clock->wall_millis()});
  ticket_ = begin_ticket_;
}

void FileJournal::durable(uint64_t length, std::vector<journal::Range> rows) {
  ticket_ = place_.journal->commit(
      journal::Durable{place_.sink, path_, length, std::move(rows), place_.clock->wall_millis()});
}

void FileJournal::gone() {
  if (holds()) {
    ticket_ = place_.journal->commit(journal::Gone{path_});
    begin_ticket_ = 0;
  }
}

Status FileJournal::take_up(StoredFile& file) {
  if (place_.journal == nullptr) {
    return {};
  }
  const auto known = place_.journal->file(path_);
  if (!known) {
    return {};
  }
  const auto identity = file.identity();
  if (!identity.ok()) {
    return {};
  }
  if (!known->in_place || !known->identity.is_same_file(*identity)) {
    place_.journal->commit(journal::Gone{path_});  // somebody put another file in its place
    return {};
  }
  if (known->leaving) {
    begin(file, file.size());  // closed in order, by this process
    return {};
  }
  const uint64_t found = file.size();
  if (found > known->length) {
    FLUME_RETURN_IF_ERROR(file.cut(known->length));
    FLUME_LOG(kWarn, "a file of a crashed writer is cut to what was acknowledged; the rest comes again",
              kv("file", path_), kv("bytes", known->length), kv("cut", found - known->length));
  } else if (found < known->length) {
    FLUME_LOG(kError, "a file is shorter than what was acknowledged: somebody changed it, or the disk lost it",
              kv("file", path_), kv("bytes", found), kv("acknowledged", known->length));
  }
  begin(file, std::min(found, known->length));
  return {};
}

namespace {

constexpr Duration kWaitForJournal = std::chrono::seconds(1);

// OK: the file is no longer the journal's concern.
Status finish_crashed(Storage& storage, journal::Journal& journal, const journal::Journal::File& file,
                      const Wait& wait) {
  // R18: nothing is published before the journal knows its rows. Only a file that this process gave up has to wait.
  FLUME_RETURN_IF_ERROR(journal.wait(file.ticket, wait.at_most(std::chrono::steady_clock::now() + kWaitForJournal)));
  auto resumed = storage.resume(file.path, file.length);
  if (resumed.status().code() == Code::kExists) {
    FLUME_RETURN_IF_ERROR(storage.set_aside(file.path));
    FLUME_LOG(kError, "the name of an unfinished file is taken: it is set aside with rows that were acknowledged",
              kv("file", file.path), kv("bytes", file.length));
    return {};
  }
  if (resumed.status().code() == Code::kCorrupt) {
    FLUME_LOG(kError, "an unfinished file is shorter than what was acknowledged", kv("file", file.path),
              kv("error", resumed.status()));
    return {};  // what there is of it is published as for a file that nobody wrote down
  }
  FLUME_RETURN_IF_ERROR(resumed.status());
  if (file.length == 0) {
    return (*resumed)->abandon();
  }
  FLUME_RETURN_IF_ERROR(
      journal.wait(file.ticket, wait));  // R18: nothing is published before the journal knows its rows
  FLUME_RETURN_IF_ERROR((*resumed)->commit(wait));
  FLUME_LOG(kWarn, "unfinished file of a crashed writer published", kv("file", file.path), kv("bytes", file.length));
  return {};
}

}  // namespace

void recover_journalled(Storage& storage, journal::Journal& journal, const Wait& wait) {
  for (const journal::Journal::File& file : journal.files()) {
    if (file.in_place) {
      continue;
    }
    const auto identity = storage.unfinished_identity(file.path);
    const bool is_there = identity.ok() && identity->is_same_file(file.identity);
    if (!identity.ok() && identity.status().code() != Code::kNotFound) {
      FLUME_LOG(kError, "an unfinished file of the delivery journal cannot be looked at", kv("file", file.path),
                kv("error", identity.status()));
      continue;
    }
    const Status status = is_there ? finish_crashed(storage, journal, file, wait) : Status();  // R18: it was published
    if (status.ok()) {
      journal.commit(journal::Gone{file.path});
    } else if (status.code() != Code::kBusy) {
      FLUME_LOG(kError, "an unfinished file keeps its working name until the sink is opened again",
                kv("file", file.path), kv("error", status));
    }
  }
}

}  // namespace flume::node
