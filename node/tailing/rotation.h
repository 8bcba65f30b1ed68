// Rotation: finds what became of a file whose name now means another one. Looked for beside it, under the names that
// rotation gives: NAME.1, NAME-20260131, NAME.2026-01-31.2 (compressed ones are of no use). Functions of the folder as
// it is now.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "node/tailing/read_progress.h"

namespace flume::node {

struct Sibling {
  std::string path;
  FileFacts facts;
};

// NAME.1, NAME-20260131, ... of NAME; both are whole paths.
bool is_rotated_name(std::string_view path, std::string_view base);

// Regular files named like rotated ones of `path`, oldest change first.
std::vector<Sibling> rotated_siblings(const std::string& path);

// The name of which a rotation made this one: "app.log" of "app.log.1"; the same where it has no such ending.
std::string unrotated(const std::string& path);

// Where a file may be now that was last seen at `path`, which may be a rotated name already: app.log.1 becomes
// app.log.2. For finding a known file or content; whether the others have to do with it is another question.
std::vector<Sibling> later_names(const std::string& path);

// The same file under its new name, whatever it holds; null: none.
const Sibling* find_renamed(const std::vector<Sibling>& siblings, const FileIdentity& identity);

// The file that holds what was read up to `print`: the same one renamed, else a copy of it (copytruncate); null: none.
const Sibling* find_rotated(const std::vector<Sibling>& siblings, const FileIdentity& identity,
                            const Fingerprint& print);

// Files that were under the name between `old` and now: rotated away before they were ever seen.
std::vector<Sibling> rotated_after(const std::vector<Sibling>& siblings, const Sibling& old);

}  // namespace flume::node
