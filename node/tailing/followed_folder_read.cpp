// The reading half of FollowedFolder; which files there are is found out in followed_folder.cpp.
#include <algorithm>
#include <filesystem>

#include "common/base/log.h"
#include "common/base/text.h"
#include "node/tailing/followed_folder.h"

namespace flume::node {

void FollowedFolder::enqueue(File& file) {
  if (!std::exchange(file.queued, true)) {
    ready_.push_back(file.point.identity);
  }
}

TimePoint FollowedFolder::due() const {
  TimePoint first = TimePoint::max();
  for (const FileIdentity& identity : gone_) {
    first = std::min(first, files_.at(identity)->quiet_since + kLinger);
  }
  for (const auto& [identity, since] : refused_since_) {
    first = std::min(first, since + kLinger);
  }
  for (const auto& [path, since] : copies_) {
    first = std::min(first, since + kLinger);
  }
  return first;
}

Result<bool> FollowedFolder::read(EventBatch& out) {
  settle_copies();
  for (const FileIdentity& identity : gone_) {
    if (File& file = *files_.at(identity); now() - file.quiet_since >= kLinger) {
      enqueue(file);
    }
  }
  for (auto it = refused_since_.begin(); it != refused_since_.end();) {
    if (now() - it->second < kLinger) {
      ++it;
      continue;
    }
    if (File* file = file_of(it->first)) {
      enqueue(*file);
    }
    it = refused_since_.erase(it);
  }
  while (!ready_.empty()) {
    File& file = *files_.at(ready_.front());
    ready_.pop_front();
    file.queued = false;
    FLUME_ASSIGN_OR_RETURN(const bool rows, read_file(file, out));
    if (rows) {
      return true;
    }
  }
  return false;
}

Result<bool> FollowedFolder::read_file(File& file, EventBatch& out) {
  if (file.reader == nullptr && !open_reader(file)) {
    return false;
  }
  open_.splice(open_.end(), open_, file.place);
  if (!file.replaced) {
    FLUME_ASSIGN_OR_RETURN(const FileReader::State state, file.reader->read(out));
    if (state == FileReader::State::kRows) {
      file.read_since_end = true;
      file.quiet_since = file.present ? TimePoint::max() : now();
      enqueue(file);  // behind the others
      return true;
    }
    if (state == FileReader::State::kEnd) {
      return at_end(file, out);
    }
  }
  return replaced(file, out);
}

Result<bool> FollowedFolder::at_end(File& file, EventBatch& out) {
  FLUME_ASSIGN_OR_RETURN(const FileFacts facts, facts_of(file.reader->fd()));
  if (file.present) {
    // Changed, but not longer: the bytes before the place are the same, the first ones may not be.
    if (!std::exchange(file.read_since_end, false) && file.seen_modified != 0 &&
        facts.modified_nanos != file.seen_modified) {
      FLUME_ASSIGN_OR_RETURN(const bool same, begins_with(file.reader->fd(), file.reader->read_print()));
      file.replaced = !same;
    }
    file.seen_modified = facts.modified_nanos;
    file.seen_size = facts.size;
    return file.replaced ? replaced(file, out) : false;
  }
  if (now() - file.quiet_since < kLinger) {
    return false;
  }
  if (file.reader->finish(out)) {
    enqueue(file);
    return true;
  }
  if (progress_.is_settled(file.reader->point().stream)) {
    forget(file);
  } else {
    file.quiet_since = now();  // it may have to be read again
  }
  return false;
}

void FollowedFolder::forget(File& file) {
  close_reader(file);
  progress_.end(file.point.stream);
  gone_.erase(file.point.identity);
  std::erase(ready_, file.point.identity);
  files_.erase(FileIdentity(file.point.identity));
}

// The content that was being read is gone from the file.
Result<bool> FollowedFolder::replaced(File& file, EventBatch& out) {
  const auto siblings = rotated_siblings(file.point.path);
  const Sibling* copy = find_rotated(siblings, file.point.identity, file.reader->read_print());
  file.replaced = true;
  if (copy == nullptr && file.reader->finish(out)) {
    enqueue(file);
    return true;  // its last words; nobody will end that line
  }
  FLUME_ASSIGN_OR_RETURN(const FileFacts facts, facts_of(file.reader->fd()));
  uint64_t offset = 0;
  if (copy != nullptr) {
    continue_in_copy(file.reader->point(), *copy);
    last_at_[file.point.path] = copy->facts.identity;  // more copies may have been made since then
    add_unseen(file.point.path, file.point.identity);
  } else {
    FLUME_ASSIGN_OR_RETURN(offset, file.reader->known_part(facts.size));
    progress_.end(file.reader->point().stream);
  }
  UniqueFd fd = file.reader->take_fd();
  close_reader(file);
  begin_anew(file, std::move(fd), offset);
  enqueue(file);
  return false;
}

// Another content in the same file: another stream.
void FollowedFolder::begin_anew(File& file, UniqueFd fd, uint64_t offset) {
  file.replaced = false;
  file.seen_modified = 0;
  auto point = progress_.new_point(file.point.path, file.point.identity, fd.fd(), offset);
  if (!point.ok()) {  // cut again meanwhile
    point = progress_.new_point(file.point.path, file.point.identity, fd.fd(), 0);
  }
  file.point = std::move(point).value();
  progress_.begin(file.point);
}

void FollowedFolder::continue_in_copy(const ReadPoint& point, const Sibling& copy) {
  copies_.erase(copy.path);
  if (file_of(copy.facts.identity) != nullptr) {
    progress_.end(point.stream);  // it was taken for a new file, and is read as one
    return;
  }
  const bool followed = options_.names.matches_somewhere(std::filesystem::path(copy.path).filename().string());
  if (!resume_at(point, copy.path, copy.facts.identity, followed)) {
    progress_.end(point.stream);
  }
}

bool FollowedFolder::open_reader(File& file) {
  auto fd = open_to_read(file.point.path);
  auto facts = fd.ok() ? facts_of(fd->fd()) : Result<FileFacts>(fd.status());
  if (!file.present && (!facts.ok() || facts->identity != file.point.identity)) {
    // Emptied, written anew and then renamed, all before we looked: what was written anew has not been read.
    const auto siblings = later_names(file.point.path);
    if (const Sibling* renamed = find_renamed(siblings, file.point.identity)) {
      fd = open_to_read(renamed->path);
      facts = fd.ok() ? facts_of(fd->fd()) : Result<FileFacts>(fd.status());
    }
  }
  if (!facts.ok() || facts->identity != file.point.identity) {
    if (file.present && fd.ok()) {
      return false;  // another file by now: a notice of that is under way
    }
    if (file.present && facts.status().code() == Code::kNotFound) {
      vanish(file);  // perhaps renamed, and a notice of that is under way: it is looked for once more
      return false;
    }
    if (!file.present) {
      unlist(file);
      forget(file);
      return false;
    }
    refused_files_.add(1);
    refused_since_[file.point.identity] = now();
    FLUME_LOG_EVERY(60'000, kWarn, "a file cannot be read", kv("file", flume::quoted(file.point.path)),
                    kv("error", facts.status()));
    return false;
  }
  const auto same = begins_with(fd->fd(), file.point.last_known());
  if (!same.ok() || !*same) {
    const auto siblings = rotated_siblings(file.point.path);
    if (const Sibling* copy = find_rotated(siblings, file.point.identity, file.point.last_known())) {
      continue_in_copy(file.point, *copy);
      last_at_[file.point.path] = copy->facts.identity;
      add_unseen(file.point.path, file.point.identity);
    } else {
      progress_.end(file.point.stream);
    }
    begin_anew(file, UniqueFd(), 0);
  }
  auto reader = FileReader::open(reader_options_, progress_, std::move(fd).value(), file.point);
  if (!reader.ok()) {
    return false;
  }
  close_least_used();
  file.reader = std::move(reader).value();
  file.place = open_.insert(open_.end(), &file);
  return true;
}

void FollowedFolder::close_reader(File& file) {
  if (file.reader != nullptr) {
    file.point = file.reader->point();
    file.reader.reset();
    open_.erase(file.place);
  }
}

void FollowedFolder::close_least_used() {
  if (open_.size() < kOpenFiles) {
    return;
  }
  const auto least =
      std::find_if(open_.begin(), open_.end(), [](const File* file) { return file->present && !file->replaced; });
  if (least != open_.end()) {
    close_reader(**least);
  }
}

Status FollowedFolder::rewind() {
  for (const ReadPoint& point : progress_.rewind()) {
    const auto found = std::find_if(files_.begin(), files_.end(), [&](const auto& entry) {
      const File& file = *entry.second;
      return (file.reader != nullptr ? file.reader->point() : file.point).stream == point.stream;
    });
    if (found == files_.end()) {
      FLUME_LOG(kError, "rows were not delivered and their file is gone", kv("file", flume::quoted(point.path)));
      progress_.end(point.stream);
      continue;
    }
    File& file = *found->second;
    if (file.reader != nullptr) {
      FLUME_RETURN_IF_ERROR(file.reader->go_to(point.mark));
    } else {
      file.point.mark = point.mark;
    }
    enqueue(file);
  }
  return {};
}

}  // namespace flume::node
