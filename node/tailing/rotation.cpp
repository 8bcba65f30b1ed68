#include "node/tailing/rotation.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "common/base/fd.h"

namespace flume::node {

namespace {

// ".1", "-20260131", "_2026-01-31T10:00.3": a separator, a digit, then digits and separators.
bool is_rotation_suffix(std::string_view suffix) {
  if (suffix.size() < 2 || std::string_view("._-").find(suffix[0]) == std::string_view::npos) {
    return false;
  }
  return suffix[1] >= '0' && suffix[1] <= '9' &&
         suffix.find_first_not_of("0123456789._:T-", 1) == std::string_view::npos;
}

bool holds(const Sibling& sibling, const Fingerprint& print) {
  const auto fd = open_to_read(sibling.path);
  if (!fd.ok()) {
    return false;
  }
  const auto same = begins_with(fd->fd(), print);
  return same.ok() && *same;
}

}  // namespace

bool is_rotated_name(std::string_view path, std::string_view base) {
  return path.size() > base.size() && path.substr(0, base.size()) == base &&
         is_rotation_suffix(path.substr(base.size()));
}

std::vector<Sibling> rotated_siblings(const std::string& path) {
  const std::filesystem::path whole(path);
  const std::string base = whole.filename().string();
  const std::filesystem::path folder = whole.has_parent_path() ? whole.parent_path() : std::filesystem::path(".");
  std::vector<Sibling> found;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.size() <= base.size() || name.compare(0, base.size(), base) != 0 ||
        !is_rotation_suffix(std::string_view(name).substr(base.size()))) {
      continue;
    }
    const auto facts = facts_of(it->path().string());
    if (facts.ok() && facts->is_regular) {
      found.push_back({it->path().string(), *facts});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Sibling& a, const Sibling& b) { return a.facts.modified_nanos < b.facts.modified_nanos; });
  return found;
}

std::string unrotated(const std::string& path) {
  for (size_t at = path.rfind('/') + 2; at < path.size(); ++at) {  // a name has one letter at least
    if (is_rotation_suffix(std::string_view(path).substr(at))) {
      return path.substr(0, at);
    }
  }
  return path;
}

std::vector<Sibling> later_names(const std::string& path) { return rotated_siblings(unrotated(path)); }

const Sibling* find_renamed(const std::vector<Sibling>& siblings, const FileIdentity& identity) {
  const auto found = std::find_if(siblings.begin(), siblings.end(),
                                  [&](const Sibling& sibling) { return sibling.facts.identity == identity; });
  return found == siblings.end() ? nullptr : &*found;
}

const Sibling* find_rotated(const std::vector<Sibling>& siblings, const FileIdentity& identity,
                            const Fingerprint& print) {
  for (const Sibling& sibling : siblings) {
    if (sibling.facts.identity == identity && holds(sibling, print)) {
      return &sibling;
    }
  }
  if (print.offset == 0) {
    return nullptr;  // every file begins with nothing
  }
  for (const Sibling& sibling : siblings) {
    if (holds(sibling, print)) {
      return &sibling;
    }
  }
  return nullptr;
}

std::vector<Sibling> rotated_after(const std::vector<Sibling>& siblings, const Sibling& old) {
  std::vector<Sibling> after;
  for (const Sibling& sibling : siblings) {
    if (sibling.facts.modified_nanos > old.facts.modified_nanos &&
        (old.facts.identity.birth_nanos == 0 || sibling.facts.identity.birth_nanos >= old.facts.identity.birth_nanos)) {
      after.push_back(sibling);
    }
  }
  return after;
}

}  // namespace flume::node
