#include "node/tailing/followed_folder.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::node {

namespace {

constexpr size_t kPathsRemembered = 10'000;  // that lost their file

}  // namespace

FollowedFolder::FollowedFolder(FolderOptions options, const ReaderOptions& reader_options, Positions& positions,
                               FileWatch::Watcher& watcher, const Metrics& metrics)
    : options_(std::move(options)),
      reader_options_(reader_options),
      watcher_(watcher),
      refused_files_(metrics.counter("flume_files_refused_total")),
      progress_(positions, str_cat("tailDir ", options_.path)) {}

FollowedFolder::~FollowedFolder() = default;

Status FollowedFolder::open() {
  if (const auto facts = facts_of(options_.path); facts.ok() && !facts->is_folder) {
    return invalid(str_cat("tailDir ", flume::quoted(options_.path), ": is not a folder (tail follows a file)"));
  }
  const auto saved = progress_.saved();
  from_end_ = progress_.is_first_time() && options_.from_end;
  resume(saved);
  scan_all();
  if (std::exchange(from_end_, false)) {
    return checkpoint();  // what is skipped must not come, and what follows must not be skipped, after a kill
  }
  return {};
}

// ---- which files there are

void FollowedFolder::watch(const std::string& folder) {
  if (watcher_.add_folder(folder, true).ok()) {
    unwatched_.erase(folder);
  } else {
    unwatched_.insert(folder);
  }
}

int64_t FollowedFolder::depth_of(const std::string& folder) const {
  return std::count(folder.begin() + static_cast<std::ptrdiff_t>(options_.path.size()), folder.end(), '/');
}

void FollowedFolder::scan(const std::string& folder, int64_t depth, std::set<std::string>& seen) {
  if (folders_.insert(folder).second || unwatched_.count(folder) > 0) {
    watch(folder);  // before it is read, so that nothing comes in between
  }
  std::error_code error;
  std::vector<std::pair<std::string, FileFacts>> found;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const auto facts = facts_of(it->path().string());
    if (!facts.ok()) {
      continue;
    }
    const std::string path = str_cat(folder, "/", it->path().filename().string());
    if (facts->is_folder && depth < options_.depth && !it->is_symlink(error)) {
      scan(path, depth + 1, seen);
    } else if (facts->is_regular && options_.names.matches_somewhere(it->path().filename().string())) {
      found.emplace_back(path, *facts);
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tie(a.second.modified_nanos, a.first) < std::tie(b.second.modified_nanos, b.first);
  });
  for (const auto& [path, facts] : found) {
    seen.insert(path);
    note(path, facts, false);
  }
}

void FollowedFolder::scan_all() {
  const bool exists = facts_of(options_.path).ok();
  if (!exists && !std::exchange(said_missing_, true)) {
    FLUME_LOG(kInfo, "the folder does not exist yet: waiting for it", kv("folder", flume::quoted(options_.path)));
  }
  std::set<std::string> seen;
  scan(options_.path, 0, seen);
  std::vector<File*> missing;
  for (const auto& [path, file] : by_path_) {
    if (seen.count(path) == 0) {
      missing.push_back(file);
    }
  }
  for (File* file : missing) {
    vanish(*file);
  }
  std::erase_if(unwatched_, [&](const std::string& folder) {
    return folder != options_.path && !facts_of(folder).ok() && folders_.erase(folder) > 0;
  });
}

void FollowedFolder::look(const FileWatch::Changes& changes) {
  const bool own_folder_changed = std::any_of(changes.changed.begin(), changes.changed.end(),
                                              [](const FileWatch::Change& change) { return change.name.empty(); });
  if (own_folder_changed) {  // removed, moved or given away: the watch may be gone with it
    unwatched_.insert(folders_.begin(), folders_.end());
  }
  if (changes.rescan || !is_watched()) {
    scan_all();
    return;
  }
  for (const FileWatch::Change& change : changes.changed) {
    note_changed(change.label, change.name);
  }
}

void FollowedFolder::note_changed(const std::string& folder, const std::string& name) {
  const std::string path = str_cat(folder, "/", name);
  const auto facts = facts_of(path);
  if (facts.ok() && facts->is_folder) {
    if (const int64_t depth = depth_of(path); depth <= options_.depth && !std::filesystem::is_symlink(path)) {
      std::set<std::string> seen;
      scan(path, depth, seen);
    }
    return;
  }
  const bool wanted = facts.ok() && facts->is_regular && options_.names.matches_somewhere(name);
  if (wanted) {
    note(path, *facts, true);
  } else if (const auto known = by_path_.find(path); known != by_path_.end()) {
    vanish(*known->second);
  }
}

void FollowedFolder::note(const std::string& path, const FileFacts& facts, bool told) {
  const auto at = by_path_.find(path);
  if (at != by_path_.end() && at->second->point.identity != facts.identity) {
    vanish(*at->second);
  }
  File* file = file_of(facts.identity);
  if (file == nullptr) {
    add_unseen(path, facts.identity);
    if (may_be_copy(path, facts)) {
      copies_.emplace(path, now());
      return;
    }
    copies_.erase(path);
    add_new(path, facts, from_end_ ? facts.size : 0);
    return;
  }
  if (!file->present || file->point.path != path) {
    const auto there = facts_of(file->point.path);
    if (file->present && there.ok() && there->identity == facts.identity) {
      return;  // a second name of a file that we follow
    }
    unlist(*file);
    by_path_[path] = file;
    file->present = true;
    gone_.erase(facts.identity);
    file->point.path = path;
    progress_.moved(file->point.stream, path);
    if (file->reader != nullptr) {
      file->reader->set_path(path);
    }
  }
  if (told || facts.modified_nanos != file->seen_modified || facts.size != file->seen_size) {
    enqueue(*file);
  }
}

// What was read of the file that `path` is named after, as a rotated one is; null: there is none.
const ReadMark* FollowedFolder::base_of(const std::string& path) const {
  for (size_t cut = path.size() - 1; cut > 0 && path[cut] != '/'; --cut) {
    const auto base = by_path_.find(std::string_view(path).substr(0, cut));
    if (base != by_path_.end() && is_rotated_name(path, base->first)) {
      const File& file = *base->second;
      return file.reader != nullptr ? &file.reader->point().mark : &file.point.mark;
    }
  }
  return nullptr;
}

// A new file that begins as one that we follow did: copytruncate at work. It is left alone until the file that it is a
// copy of is truncated, or enough time went by.
bool FollowedFolder::may_be_copy(const std::string& path, const FileFacts& facts) const {
  const ReadMark* mark = base_of(path);
  if (mark == nullptr || mark->print.offset == 0) {
    return false;
  }
  const uint64_t head = std::min<uint64_t>(mark->print.offset, kHeadBytes);
  if (facts.size < head) {
    return true;  // it may be in the making
  }
  const auto fd = open_to_read(path);
  const auto first = fd.ok() ? read_at(fd->fd(), 0, head) : Result<std::string>(fd.status());
  return first.ok() && hash_bytes(*first) == mark->print.head;
}

// Copies that were not followed by a truncation: what they hold was delivered from the file that they are copies of.
void FollowedFolder::settle_copies() {
  for (auto it = copies_.begin(); it != copies_.end();) {
    if (now() - it->second < kLinger) {
      ++it;
      continue;
    }
    const std::string path = it->first;
    it = copies_.erase(it);
    const auto facts = facts_of(path);
    if (!facts.ok() || !facts->is_regular || file_of(facts->identity) != nullptr) {
      continue;
    }
    const ReadMark* mark = base_of(path);
    const auto fd = open_to_read(path);
    const auto same = fd.ok() && mark != nullptr ? begins_with(fd->fd(), mark->print) : Result<bool>(false);
    add_new(path, *facts, same.ok() && *same ? mark->print.offset : 0);
  }
}

void FollowedFolder::add_new(const std::string& path, const FileFacts& facts, uint64_t offset) {
  auto fd = offset > 0 ? open_to_read(path) : Result<UniqueFd>(UniqueFd());
  auto point = fd.ok() ? progress_.new_point(path, facts.identity, fd->fd(), offset) : Result<ReadPoint>(fd.status());
  if (!point.ok()) {
    refused_files_.add(1);
    FLUME_LOG_EVERY(60'000, kWarn, "a file cannot be read", kv("file", flume::quoted(path)),
                    kv("error", point.status()));
    return;
  }
  progress_.begin(*point);
  auto file = std::make_unique<File>();
  file->point = std::move(*point);
  by_path_[path] = file.get();
  enqueue(*(files_[facts.identity] = std::move(file)));
}

// Files that had this path between the one that was last seen there and the one that has it now, and copies of what was
// in it: renamed or made before anybody looked, under names that are not followed (those that are speak for
// themselves).
void FollowedFolder::add_unseen(const std::string& path, const FileIdentity& now_there) {
  const auto last = last_at_.find(path);
  if (last == last_at_.end()) {
    return;
  }
  const FileIdentity seen = last->second;
  last_at_.erase(last);
  const auto siblings = rotated_siblings(path);
  const Sibling* old = find_renamed(siblings, seen);
  if (old == nullptr) {
    return;
  }
  for (const Sibling& sibling : rotated_after(siblings, *old)) {
    const FileIdentity& identity = sibling.facts.identity;
    const std::string name = std::filesystem::path(sibling.path).filename().string();
    if (identity == now_there || file_of(identity) != nullptr || options_.names.matches_somewhere(name)) {
      continue;
    }
    add_new(sibling.path, sibling.facts, 0);
    if (File* file = file_of(identity)) {
      vanish(*file);
      last_at_.erase(sibling.path);
    }
  }
}

// Its path may mean another file by now.
void FollowedFolder::unlist(const File& file) {
  if (const auto at = by_path_.find(file.point.path); at != by_path_.end() && at->second == &file) {
    by_path_.erase(at);
  }
}

void FollowedFolder::vanish(File& file) {
  if (last_at_.size() >= kPathsRemembered) {
    last_at_.clear();
  }
  last_at_[file.point.path] = file.point.identity;
  unlist(file);
  file.present = false;
  file.quiet_since = now();
  if (file.reader == nullptr) {
    // Renamed out of what we follow, perhaps with lines that were not read yet.
    const auto siblings = later_names(file.point.path);
    if (const Sibling* renamed = find_renamed(siblings, file.point.identity)) {
      file.point.path = renamed->path;
    }
  }
  gone_.insert(file.point.identity);
  enqueue(file);
}

FollowedFolder::File* FollowedFolder::file_of(const FileIdentity& identity) {
  const auto found = files_.find(identity);
  return found == files_.end() ? nullptr : found->second.get();
}

// ---- after a restart

void FollowedFolder::resume(const std::vector<ReadPoint>& saved) {
  std::map<std::string, FileFacts> newest;  // of rotated ones, by the name that they had before
  for (const ReadPoint& point : saved) {
    if (const auto facts = facts_of(point.path);
        facts.ok() && facts->identity == point.identity && resume_at(point, point.path, point.identity, true)) {
      continue;
    }
    const auto siblings = later_names(point.path);
    const Sibling* found = find_rotated(siblings, point.identity, point.last_known());
    const bool followed =
        found != nullptr && options_.names.matches_somewhere(std::filesystem::path(found->path).filename().string());
    if (found != nullptr && file_of(found->facts.identity) == nullptr &&
        resume_at(point, found->path, found->facts.identity, followed)) {
      FileFacts& last = newest.try_emplace(unrotated(point.path), found->facts).first->second;
      if (found->facts.modified_nanos > last.modified_nanos) {
        last = found->facts;
      }
      last_at_[point.path] = found->facts.identity;  // for the scan that follows
      continue;
    }
    FLUME_LOG(kInfo, "a file that was being read is gone", kv("file", flume::quoted(point.path)),
              kv("read", point.mark.print.offset));
    progress_.begin(point);
    progress_.end(point.stream);
  }
  // A file of which nothing was saved may have had the name after these, and lost it as well.
  for (const auto& [path, facts] : newest) {
    if (by_path_.count(path) == 0) {
      last_at_.emplace(path, facts.identity);
    }
  }
}

bool FollowedFolder::resume_at(const ReadPoint& point, const std::string& path, const FileIdentity& identity,
                               bool present) {
  const auto fd = open_to_read(path);
  if (!fd.ok()) {
    return false;
  }
  const auto same = begins_with(fd->fd(), point.last_known());
  if (!same.ok() || !*same) {
    return false;
  }
  auto file = std::make_unique<File>();
  file->point = point;
  file->point.path = path;
  file->point.identity = identity;
  file->present = present;
  progress_.begin(file->point);
  if (present) {
    by_path_[path] = file.get();
  } else {
    file->quiet_since = now();
    gone_.insert(identity);
  }
  enqueue(*(files_[identity] = std::move(file)));
  return true;
}

}  // namespace flume::node
