#include "node/tailing/followed_file.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::node {

namespace {

// A rotated file is read until nothing came for so long: logrotate renames first and tells the writer later.
constexpr Duration kLinger = std::chrono::seconds(5);
// A file that may not be read: rotation creates first and gives it away later.
constexpr Duration kRefusedFor = std::chrono::seconds(5);

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
}

}  // namespace

FollowedFile::FollowedFile(std::string path, bool from_end, const ReaderOptions& options, Positions& positions,
                           FileWatch::Watcher& watcher)
    : path_(std::move(path)), from_end_(from_end), options_(options), positions_(positions), watcher_(watcher) {}

FollowedFile::~FollowedFile() = default;

Status FollowedFile::open() {
  progress_ = std::make_unique<ReadProgress>(positions_, str_cat("tail ", path_));
  folder_watched_ = watcher_.add_folder(folder_of(path_), false).ok();
  if (const auto facts = facts_of(path_); facts.ok() && facts->is_folder) {
    return invalid(
        str_cat("tail ", quoted(path_), ": is a folder, not a file (tailDir follows the files of a folder)"));
  }
  auto saved = progress_->saved();
  const bool first_time = progress_->is_first_time();
  FLUME_RETURN_IF_ERROR(resume(std::move(saved)));
  if (current_ == nullptr) {
    FLUME_ASSIGN_OR_RETURN(const bool opened, open_current(from_end_ && first_time));
    if (!opened && !said_missing_) {
      said_missing_ = true;
      FLUME_LOG(kInfo, "the file does not exist yet: waiting for it", kv("file", quoted(path_)));
    }
  }
  // A place at the end has to survive a kill before the first row, else what comes meanwhile is skipped.
  return from_end_ && first_time ? progress_->checkpoint() : Status();
}

void FollowedFile::close() {
  old_.clear();
  current_.reset();
  watcher_.remove(folder_of(path_));
  watcher_.remove(path_);
  replaced_ = false;
  removed_since_ = refused_since_ = TimePoint::max();
}

Status FollowedFile::checkpoint() { return progress_ == nullptr ? Status() : progress_->checkpoint(); }

TimePoint FollowedFile::due() const {
  TimePoint first = removed_since_ == TimePoint::max() ? TimePoint::max() : removed_since_ + kLinger;
  for (const Old& old : old_) {
    if (!old.done) {
      first = std::min(first, old.still ? TimePoint::min() : old.quiet_since + kLinger);
    }
  }
  return first;
}

// ---- after a restart

Status FollowedFile::resume(std::vector<ReadPoint> saved) {
  if (saved.empty()) {
    return {};
  }
  const auto siblings = rotated_siblings(path_);
  const Sibling* newest = nullptr;
  for (ReadPoint& point : saved) {
    auto opened = open_to_read(path_);
    if (opened.ok() && current_ == nullptr) {
      UniqueFd fd = std::move(opened).value();
      const auto facts = facts_of(fd.fd());
      const auto same = begins_with(fd.fd(), point.last_known());
      if (facts.ok() && facts->identity == point.identity && same.ok() && *same) {
        point.path = path_;
        progress_->begin(point);
        FLUME_ASSIGN_OR_RETURN(current_, FileReader::open(options_, *progress_, std::move(fd), point));
        watch_current();
        continue;
      }
    }
    FLUME_RETURN_IF_ERROR(resume_rotated(point, siblings, newest));
  }
  return current_ == nullptr && newest != nullptr ? add_unseen(siblings, *newest) : Status();
}

Status FollowedFile::resume_rotated(const ReadPoint& point, const std::vector<Sibling>& siblings,
                                    const Sibling*& newest) {
  const Sibling* found = find_rotated(siblings, point.identity, point.last_known());
  if (found == nullptr) {
    FLUME_LOG(kWarn, "a file that was being read is gone: what was added to it since cannot be delivered",
              kv("file", quoted(point.path)), kv("read", point.mark.print.offset));
    progress_->begin(point);
    progress_->end(point.stream);
    return {};
  }
  newest = found;
  return add_old(found->path, point, false);
}

Status FollowedFile::add_unseen(const std::vector<Sibling>& siblings, const Sibling& newest) {
  for (const Sibling& sibling : rotated_after(siblings, newest)) {
    const bool known = std::any_of(old_.begin(), old_.end(), [&](const Old& old) {
      return old.reader->point().identity == sibling.facts.identity;
    });
    if (!known) {
      FLUME_ASSIGN_OR_RETURN(const ReadPoint point, progress_->new_point(sibling.path, sibling.facts.identity, -1, 0));
      FLUME_RETURN_IF_ERROR(add_old(sibling.path, point, false));
    }
  }
  return {};
}

Status FollowedFile::add_old(const std::string& path, ReadPoint point, bool still) {
  FLUME_ASSIGN_OR_RETURN(UniqueFd fd, open_to_read(path));
  FLUME_ASSIGN_OR_RETURN(const FileFacts facts, facts_of(fd.fd()));
  point.identity = facts.identity;
  progress_->begin(point);
  Old old;
  FLUME_ASSIGN_OR_RETURN(old.reader, FileReader::open(options_, *progress_, std::move(fd), std::move(point)));
  old.quiet_since = now();
  old.still = still;
  old_.push_back(std::move(old));
  return {};
}

// ---- the file under the name

Result<bool> FollowedFile::open_current(bool from_end) {
  auto opened = open_to_read(path_);
  if (!opened.ok()) {
    const Status refused = opened.status();
    if (refused.code() == Code::kNotFound) {
      return false;
    }
    const bool first_look = said_missing_ == false && old_.empty() && refused_since_ == TimePoint::max();
    refused_since_ = std::min(refused_since_, now());
    if (first_look || now() - refused_since_ >= kRefusedFor) {
      refused_since_ = TimePoint::max();
      return refused;
    }
    return false;
  }
  refused_since_ = TimePoint::max();
  UniqueFd fd = std::move(opened).value();
  FLUME_ASSIGN_OR_RETURN(const FileFacts facts, facts_of(fd.fd()));
  if (!facts.is_regular) {
    return invalid(str_cat("tail ", quoted(path_), facts.is_folder ? ": is a folder" : ": is not a regular file"));
  }
  const auto known = std::find_if(old_.begin(), old_.end(), [&](const Old& old) {
    return !old.done && old.reader->point().identity == facts.identity;
  });
  if (known != old_.end()) {  // renamed back
    current_ = std::move(known->reader);
    old_.erase(known);
    current_->set_path(path_);
    watch_current();
    return true;
  }
  FLUME_RETURN_IF_ERROR(begin_current(std::move(fd), facts.identity, from_end ? facts.size : 0));
  return true;
}

Status FollowedFile::begin_current(UniqueFd fd, const FileIdentity& identity, uint64_t offset) {
  FLUME_ASSIGN_OR_RETURN(ReadPoint point, progress_->new_point(path_, identity, fd.fd(), offset));
  progress_->begin(point);
  FLUME_ASSIGN_OR_RETURN(current_, FileReader::open(options_, *progress_, std::move(fd), std::move(point)));
  watch_current();
  return {};
}

void FollowedFile::watch_current() {
  if (!folder_watched_) {  // it may not have been there before
    folder_watched_ = watcher_.add_folder(folder_of(path_), false).ok();
  }
  watcher_.remove(path_);
  current_watched_ = watcher_.add_file(current_->fd(), path_).ok();
  seen_modified_ = 0;
  read_since_end_ = true;
  replaced_ = false;
  removed_since_ = TimePoint::max();
}

Result<bool> FollowedFile::read(EventBatch& out) {
  FLUME_ASSIGN_OR_RETURN(const bool from_old, read_old(out));
  return from_old ? true : read_current(out);
}

Result<bool> FollowedFile::read_old(EventBatch& out) {
  for (auto it = old_.begin(); it != old_.end();) {
    if (!it->done) {
      FLUME_ASSIGN_OR_RETURN(const FileReader::State state, it->reader->read(out));
      if (state == FileReader::State::kRows) {
        it->quiet_since = now();
        return true;
      }
      const bool over = it->still || state == FileReader::State::kReplaced || now() - it->quiet_since >= kLinger;
      if (over && it->reader->finish(out)) {
        return true;
      }
      it->done = over;
    }
    if (it->done && progress_->is_settled(it->reader->point().stream)) {
      progress_->end(it->reader->point().stream);
      it = old_.erase(it);
    } else {
      ++it;
    }
  }
  return false;
}

Result<bool> FollowedFile::read_current(EventBatch& out) {
  for (;;) {
    if (current_ == nullptr) {
      FLUME_ASSIGN_OR_RETURN(const bool opened, open_current(false));
      if (!opened) {
        return false;
      }
    }
    bool again = false;
    if (replaced_) {
      FLUME_ASSIGN_OR_RETURN(const bool rows, replaced(out));
      if (rows) {
        return true;
      }
      continue;
    }
    FLUME_ASSIGN_OR_RETURN(const FileReader::State state, current_->read(out));
    switch (state) {
      case FileReader::State::kRows: read_since_end_ = true; return true;
      case FileReader::State::kReplaced: replaced_ = true; continue;
      case FileReader::State::kEnd: break;
    }
    FLUME_ASSIGN_OR_RETURN(const bool rows, at_end(out, again));
    if (rows) {
      return true;
    }
    if (!again) {
      return false;
    }
  }
}

// Nothing more in current_ now. Does the name still mean it, and is it what it was?
Result<bool> FollowedFile::at_end(EventBatch& out, bool& again) {
  const auto named = facts_of(path_);
  if (!named.ok()) {
    // Its writer may still have it open, and a new file come any moment: the old one is kept for a while.
    removed_since_ = read_since_end_ ? now() : std::min(removed_since_, now());
    read_since_end_ = false;
    if (now() - removed_since_ < kLinger) {
      return false;
    }
    if (current_->finish(out)) {
      return true;
    }
    FLUME_ASSIGN_OR_RETURN(const FileFacts facts, facts_of(current_->fd()));
    if (facts.links == 0 && progress_->is_settled(current_->point().stream)) {
      progress_->end(current_->point().stream);
      watcher_.remove(path_);
      current_.reset();  // gives the disk its space back
      removed_since_ = TimePoint::max();
    } else {
      removed_since_ = now();
    }
    return false;
  }
  removed_since_ = TimePoint::max();
  if (named->identity != current_->point().identity) {
    rotate_away();
    again = true;
    return read_old(out);
  }
  // Changed, but not longer: the bytes before the place are the same, the first ones may not be.
  if (!read_since_end_ && named->modified_nanos != seen_modified_) {
    FLUME_ASSIGN_OR_RETURN(const bool same, begins_with(current_->fd(), current_->read_print()));
    if (!same) {
      replaced_ = again = true;
    }
  }
  seen_modified_ = named->modified_nanos;
  read_since_end_ = false;
  return false;
}

void FollowedFile::rotate_away() {
  const auto siblings = rotated_siblings(path_);
  const Sibling* moved = find_renamed(siblings, current_->point().identity);
  if (moved != nullptr) {
    // Not set_path(): its rows keep the name that they were written under.
    progress_->moved(current_->point().stream, moved->path);
  }
  Old old;
  old.reader = std::move(current_);
  old.quiet_since = now();
  old_.push_back(std::move(old));
  if (moved != nullptr) {
    if (const Status status = add_unseen(siblings, *moved); !status.ok()) {
      FLUME_LOG(kWarn, "a rotated file cannot be read", kv("error", status));
    }
  }
}

// The content that was being read is gone from the file.
Result<bool> FollowedFile::replaced(EventBatch& out) {
  const ReadPoint old = current_->point();
  const auto siblings = rotated_siblings(path_);
  const Sibling* copy = find_rotated(siblings, old.identity, current_->read_print());
  if (copy == nullptr && current_->finish(out)) {
    return true;  // its last words; nobody will end that line
  }
  FLUME_ASSIGN_OR_RETURN(const FileFacts facts, facts_of(current_->fd()));
  uint64_t offset = 0;
  if (copy != nullptr) {
    FLUME_RETURN_IF_ERROR(add_old(copy->path, old, true));
    FLUME_RETURN_IF_ERROR(add_unseen(siblings, *copy));  // copied and emptied more than once meanwhile
  } else {
    FLUME_ASSIGN_OR_RETURN(offset, current_->known_part(facts.size));
    if (!progress_->is_settled(old.stream)) {
      FLUME_LOG_EVERY(60'000, kWarn,
                      "a file was overwritten while rows of it were under way: they cannot be read again",
                      kv("file", quoted(path_)));
    }
    progress_->end(old.stream);
  }
  FLUME_RETURN_IF_ERROR(begin_current(current_->take_fd(), facts.identity, offset));
  return read_old(out);
}

Status FollowedFile::rewind() {
  for (const ReadPoint& point : progress_->rewind()) {
    FileReader* reader = nullptr;
    if (current_ != nullptr && current_->point().stream == point.stream) {
      reader = current_.get();
    }
    for (Old& old : old_) {
      if (old.reader->point().stream == point.stream) {
        reader = old.reader.get();
        old.done = false;
      }
    }
    bool there = false;
    if (reader != nullptr) {
      FLUME_ASSIGN_OR_RETURN(there, begins_with(reader->fd(), point.mark.print));
    }
    if (!there) {
      FLUME_LOG(kError, "rows were not delivered and their file is gone", kv("file", quoted(point.path)));
      progress_->end(point.stream);
      continue;
    }
    FLUME_RETURN_IF_ERROR(reader->go_to(point.mark));
  }
  read_since_end_ = true;
  return {};
}

}  // namespace flume::node
