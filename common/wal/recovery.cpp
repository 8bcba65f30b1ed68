#include "common/wal/recovery.h"

#include <algorithm>
#include <utility>

#include "common/base/text.h"
#include "common/wal/set_aside.h"

namespace flume::wal {

namespace {

constexpr std::string_view kCopyEnding = ".copy";
constexpr std::string_view kErrorFolder = "error";

std::string joined(std::string_view folder, std::string_view name) { return str_cat(folder, '/', name); }

Status append_bytes(LogFile& file, std::string_view bytes) {
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  return file.append({&piece, 1});
}

class Recoverer {
 public:
  Recoverer(const WalOptions& options, FileSystem& files, Recovered& recovered)
      : options_(options), files_(files), recovered_(recovered) {}

  Result<std::vector<FoundSegment>> run() {
    FLUME_RETURN_IF_ERROR(files_.make_folders(error_folder()));
    FLUME_ASSIGN_OR_RETURN(std::vector<SegmentName> names, segments());
    std::vector<FoundSegment> found;
    // From the newest, which is always read through: it says how far the log holds each origin stream.
    for (size_t i = names.size(); i-- > 0;) {
      // Rows from where the next file begins are in that one: their first file failed before they were synced (R3).
      const uint64_t below = i + 1 < names.size() ? names[i + 1].first_ordinal : UINT64_MAX;
      FLUME_ASSIGN_OR_RETURN(std::optional<FoundSegment> segment, take_up(names[i], below, found.empty()));
      if (segment) {
        found.push_back(std::move(*segment));
      }
    }
    std::reverse(found.begin(), found.end());
    std::sort(recovered_.missing.begin(), recovered_.missing.end(),
              [](const Missing& a, const Missing& b) { return a.first < b.first; });
    // Names that this run made must survive before anything relies on them (R3).
    FLUME_RETURN_IF_ERROR(files_.sync_folder(options_.folder));
    recovered_.segments = found.size();
    return found;
  }

 private:
  struct Scan {
    SegmentTotals totals;
    uint64_t end_ordinal = 0;
    bool has_footer = false;
    std::vector<std::pair<uint64_t, uint64_t>> keep;  // offsets of records, from and to
    std::vector<Damage> damage;
    std::vector<Missing> missing;
    std::optional<Missing> place;  // of damage that no batch stands behind yet
    std::map<Id128, Place> places;
    uint64_t released = 0;
  };

  // Sorted; leftovers of an interrupted recovery are cleared away.
  Result<std::vector<SegmentName>> segments() {
    FLUME_ASSIGN_OR_RETURN(const std::vector<std::string> listed, files_.list(options_.folder));
    std::vector<SegmentName> names;
    for (const std::string& name : listed) {
      if (name.ends_with(kCopyEnding)) {
        FLUME_RETURN_IF_ERROR(files_.remove(joined(options_.folder, name)));
      } else if (const auto segment = SegmentName::parse(name)) {
        names.push_back(*segment);
      }
    }
    std::sort(names.begin(), names.end(), [](const SegmentName& a, const SegmentName& b) {
      return std::pair(a.first_ordinal, a.state == SegmentState::kOpen) <
             std::pair(b.first_ordinal, b.state == SegmentState::kOpen);
    });
    // A sealed copy is complete, so the open file that it was made from has nothing more.
    for (size_t i = 1; i < names.size();) {
      if (names[i].first_ordinal == names[i - 1].first_ordinal) {
        FLUME_RETURN_IF_ERROR(files_.remove(joined(options_.folder, names[i].text())));
        names.erase(names.begin() + static_cast<ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
    return names;
  }

  Result<std::optional<FoundSegment>> take_up(const SegmentName& name, uint64_t below, bool is_newest) {
    const std::string path = joined(options_.folder, name.text());
    FLUME_ASSIGN_OR_RETURN(const std::unique_ptr<LogFile> file, files_.open(path));
    SegmentReader reader(*file, options_.limits);
    auto header = reader.header();
    if (!header.ok() && header.status().code() != Code::kCorrupt) {
      return header.status();
    }
    std::optional<Damage> damaged_header;
    if (!header.ok()) {
      FLUME_ASSIGN_OR_RETURN(const auto from_rows, header_from_rows(reader, name));
      if (from_rows) {
        damaged_header = Damage{"", path, 0, kHeaderBytes, std::string(header.status().message())};
        header = *from_rows;
        reader.expect_stream(header->stream);
      }
    }
    if (!header.ok() || header->first_ordinal != name.first_ordinal) {
      FLUME_RETURN_IF_ERROR(
          set_aside_whole(name, *file, header.ok() ? "its header names other rows" : header.status().message()));
      return std::optional<FoundSegment>();
    }
    FLUME_ASSIGN_OR_RETURN(const uint64_t size, file->size());
    if (name.state == SegmentState::kSealed && !is_newest && !damaged_header) {
      FLUME_ASSIGN_OR_RETURN(const auto totals, footer_of(*file, size));
      if (totals && totals->numbers() <= below - name.first_ordinal) {
        count(*totals, name.first_ordinal, name.first_ordinal + totals->numbers());
        return std::optional(FoundSegment{path, name.first_ordinal, name.first_ordinal + totals->numbers(), size,
                                          header->created_millis});
      }
    }
    // Whoever begins a file has synced the one before.
    const bool may_end_unsynced = name.state == SegmentState::kOpen && below == UINT64_MAX;
    FLUME_ASSIGN_OR_RETURN(Scan scan, read_all(reader, name, below, damaged_header, may_end_unsynced));
    for (Damage& damage : scan.damage) {
      if (damage.bytes > 0) {
        FLUME_RETURN_IF_ERROR(set_aside(*file, damage, error_folder(), files_));
      }
      recovered_.damage.push_back(std::move(damage));
    }
    if (is_newest && scan.totals.rows > 0) {
      recovered_.places = std::move(scan.places);
      recovered_.released = scan.released;
    }
    count(scan.totals, name.first_ordinal, scan.end_ordinal);
    take_missing(scan, is_newest);
    if (name.state == SegmentState::kSealed && scan.has_footer && scan.damage.empty()) {
      return std::optional(FoundSegment{path, name.first_ordinal, scan.end_ordinal, size, header->created_millis});
    }
    if (scan.totals.rows == 0) {  // nothing in it was promised, and the one before says what the log holds
      FLUME_RETURN_IF_ERROR(files_.remove(path));
      return std::optional<FoundSegment>();
    }
    return copy(path, *file, *header, scan);
  }

  Result<std::optional<SegmentTotals>> footer_of(const LogFile& file, uint64_t size) {
    if (size < kHeaderBytes + kFooterBytes) {
      return std::optional<SegmentTotals>();
    }
    SegmentReader reader(file, options_.limits);
    reader.seek(size - kFooterBytes);
    FLUME_ASSIGN_OR_RETURN(const SegmentReader::Item item, reader.next());
    return item.kind == SegmentReader::Kind::kFooter ? std::optional(item.totals) : std::nullopt;
  }

  // A group is written when the one before is synced, so a crash damages the last one only: its sectors may have
  // reached the disk in any order. Rows behind a hole in it may not have been promised, and the source sends them again
  // together with those that are missing: none of them is kept, else they would come before those, which would be taken
  // for known.
  Result<Scan> read_all(SegmentReader& reader, const SegmentName& name, uint64_t below,
                        const std::optional<Damage>& damaged_header, bool may_end_unsynced) {
    const std::string path = joined(options_.folder, name.text());
    Scan scan;
    scan.end_ordinal = name.first_ordinal;
    std::optional<Scan> sound;  // up to the first damage in the group at hand
    uint64_t damaged_at = 0;
    uint64_t groups = 0;
    if (damaged_header) {
      sound = scan;
      scan.damage.push_back(*damaged_header);
    }
    for (;;) {
      FLUME_ASSIGN_OR_RETURN(const SegmentReader::Item item, reader.next());
      switch (item.kind) {
        case SegmentReader::Kind::kEnd:
        case SegmentReader::Kind::kTorn:  // of an open file the normal end: nobody closed it
          if (may_end_unsynced && sound && !scan.has_footer) {
            scan = std::move(*sound);
            scan.damage.push_back({"", path, damaged_at, std::max(item.offset, item.end_offset) - damaged_at,
                                   "what was written last is not whole"});
          } else if (name.state == SegmentState::kSealed && !scan.has_footer) {  // whoever seals writes one, and syncs
            const bool is_torn = item.kind == SegmentReader::Kind::kTorn;
            scan.damage.push_back(
                {"", path, item.offset, is_torn ? item.end_offset - item.offset : 0,
                 str_cat(is_torn ? item.why : "it ends without a footer", "; rows that stood behind it are gone")});
          }
          return scan;
        case SegmentReader::Kind::kFooter:
          scan.has_footer = true;
          note_missing(scan, std::min(below, name.first_ordinal + item.totals.numbers()), path, item.offset);
          break;
        case SegmentReader::Kind::kDamaged:
          if (!sound) {
            sound = scan;
            damaged_at = item.offset;
          }
          scan.damage.push_back({"", path, item.offset, item.end_offset - item.offset, item.why});
          scan.place = Missing{0, 0, path, item.offset, item.end_offset - item.offset, item.why};
          break;
        case SegmentReader::Kind::kPlaces:
          if (!item.places.held && ++groups > 1) {  // the start of a file is synced with its first group
            sound.reset();
          }
          take_places(item, scan);
          break;
        case SegmentReader::Kind::kBatch:
          note_missing(scan, std::min(below, item.batch.hop().ordinal), path, item.offset);
          take(item, below, scan);
          break;
      }
    }
  }

  // A header says whose rows they are, and so does the first of them.
  static Result<std::optional<SegmentHeader>> header_from_rows(SegmentReader& reader, const SegmentName& name) {
    std::optional<SegmentHeader> header;
    SegmentReader::Item item;
    do {
      FLUME_ASSIGN_OR_RETURN(item, reader.next());
    } while (item.kind == SegmentReader::Kind::kPlaces);
    if (item.kind == SegmentReader::Kind::kBatch && item.batch.hop().ordinal == name.first_ordinal) {
      header = SegmentHeader{item.batch.hop().stream, name.first_ordinal, 0};
    }
    reader.seek(kHeaderBytes);
    return header;
  }

  // Numbers between the last batch and `ordinal`, which stands at `offset`.
  static void note_missing(Scan& scan, uint64_t ordinal, const std::string& path, uint64_t offset) {
    Missing missing = std::exchange(scan.place, {}).value_or(Missing{0, 0, path, offset, 0, std::string(kNoRecord)});
    if (ordinal > scan.end_ordinal) {
      missing.first = scan.end_ordinal;
      missing.end = ordinal;
      scan.missing.push_back(std::move(missing));
    }
  }

  static void take(const SegmentReader::Item& item, uint64_t below, Scan& scan) {
    const Hop hop = item.batch.hop();
    const uint64_t end = hop.ordinal + hop.span;
    if (hop.ordinal < scan.end_ordinal || end > below) {
      return;  // it is in the next file
    }
    scan.keep.emplace_back(item.offset, item.end_offset);
    scan.totals.rows += item.batch.rows();
    // Also those of damaged records: a copy's footer says where its numbers end.
    scan.totals.skipped += static_cast<uint32_t>(end - scan.end_ordinal - item.batch.rows());
    scan.end_ordinal = end;
    scan.totals.body_bytes += item.batch.codec() == BlobCodec::kNone ? item.batch.body_bytes() : 0;
    const Origin& origin = item.batch.origin();
    Place& place = scan.places[origin.stream];
    place.stream = origin.stream;
    place.position = std::max(place.position, origin.end_position);
  }

  static void take_places(const SegmentReader::Item& item, Scan& scan) {
    scan.keep.emplace_back(item.offset, item.end_offset);
    scan.released = std::max(scan.released, item.places.released);
    for (const Place& said : item.places.all) {
      Place& place = scan.places[said.stream];
      place.stream = said.stream;
      place.position = std::max(place.position, item.places.held ? said.position : 0);
      place.note = said.note;
    }
  }

  void take_missing(Scan& scan, bool is_newest) {
    for (Missing& missing : scan.missing) {
      if (missing.first >= scan.end_ordinal && is_newest) {
        const uint64_t first = std::max(missing.first, scan.released);
        recovered_.missing_at_end += missing.end > first ? missing.end - first : 0;
      }
      recovered_.missing.push_back(std::move(missing));
    }
  }

  // What the far end does not have. Of a segment that is released in part, bytes are an estimate.
  void count(const SegmentTotals& totals, uint64_t first, uint64_t end) {
    const uint64_t rows = std::min(totals.rows, end - std::clamp(recovered_.released, first, end));
    recovered_.rows += rows;
    recovered_.body_bytes += totals.rows == 0 ? 0 : totals.body_bytes / totals.rows * rows;
  }

  // What is kept is copied, not cut in place: after a sync that failed the pages in memory look sound and the disk's
  // may not be (R3).
  Result<std::optional<FoundSegment>> copy(std::string path, const LogFile& from, const SegmentHeader& header,
                                           const Scan& scan) {
    const std::string sealed = joined(options_.folder, SegmentName{header.first_ordinal, SegmentState::kSealed}.text());
    const std::string working = sealed + std::string(kCopyEnding);
    FLUME_ASSIGN_OR_RETURN(const std::unique_ptr<LogFile> to, files_.create(working));
    FLUME_RETURN_IF_ERROR(append_bytes(*to, encode_header(header)));
    uint64_t bytes = kHeaderBytes + kFooterBytes;
    for (const auto& [begin, end] : scan.keep) {
      std::string record(static_cast<size_t>(end - begin), '\0');
      FLUME_ASSIGN_OR_RETURN(const size_t got, from.read_at(begin, std::span(record.data(), record.size())));
      if (got != record.size()) {
        return Status(Code::kIo, str_cat("read ", quoted(path), ": it got shorter meanwhile"));
      }
      FLUME_RETURN_IF_ERROR(append_bytes(*to, record));
      bytes += record.size();
    }
    FLUME_RETURN_IF_ERROR(append_bytes(*to, encode_footer(scan.totals)));
    FLUME_RETURN_IF_ERROR(to->sync());
    if (path == sealed) {  // damaged: makes room, and is found again if there is a crash before the copy has the name
      path = joined(options_.folder, SegmentName{header.first_ordinal, SegmentState::kOpen}.text());
      FLUME_RETURN_IF_ERROR(files_.rename(sealed, path));
      FLUME_RETURN_IF_ERROR(files_.sync_folder(options_.folder));
    }
    FLUME_RETURN_IF_ERROR(files_.rename(working, sealed));
    FLUME_RETURN_IF_ERROR(files_.sync_folder(options_.folder));
    FLUME_RETURN_IF_ERROR(files_.remove(path));
    return std::optional(FoundSegment{sealed, header.first_ordinal, scan.end_ordinal, bytes, header.created_millis});
  }

  Status set_aside_whole(const SegmentName& name, const LogFile& file, std::string_view why) {
    const std::string path = joined(options_.folder, name.text());
    FLUME_ASSIGN_OR_RETURN(const uint64_t size, file.size());
    std::string head(static_cast<size_t>(std::min<uint64_t>(size, kHeaderBytes)), '\0');
    FLUME_RETURN_IF_ERROR(file.read_at(0, std::span(head.data(), head.size())).status());
    // A crash before the first sync leaves an open file without a whole header; nothing in it was promised.
    const bool has_header = head.size() == kHeaderBytes && head.find_first_not_of('\0') != std::string::npos;
    if (has_header || name.state == SegmentState::kSealed) {
      Damage damage{"", path, 0, size, std::string(why)};
      if (size > 0) {
        FLUME_RETURN_IF_ERROR(set_aside(file, damage, error_folder(), files_));
      }
      recovered_.damage.push_back(std::move(damage));
    }
    return files_.remove(path);
  }

  std::string error_folder() const { return joined(options_.folder, kErrorFolder); }

  const WalOptions& options_;
  FileSystem& files_;
  Recovered& recovered_;
};

}  // namespace

Result<std::vector<FoundSegment>> recover_folder(const WalOptions& options, FileSystem& files, Recovered& recovered) {
  return Recoverer(options, files, recovered).run();
}

}  // namespace flume::wal
