// A disk as a crash can leave it: names and bytes that were synced, and those that were not, apart. Changes go in one
// by one; after_crash() tells what is there when the power is back. CrashFiles puts a FileSystem on it, the torture
// tests feed it with what a real run did. One thread at a time: whoever owns it guards it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"

namespace flume::test {

// What becomes of bytes that were written and not synced. kReordered: each sector of a file holds what some moment
// since its last sync put there, whatever the others hold.
enum class Tail { kKept, kDropped, kTorn, kZeros, kReordered };
// And of names that were made, changed or removed since their folder was synced. kSome: each change for itself, by the
// lowest three bits of the seed, so that eight seeds are all there is for three changes.
enum class Names { kSynced, kAll, kSome };

class CrashDisk {
 public:
  static constexpr size_t kSector = 512;

  struct Piece {  // a write, or with `cut` a change of the length
    size_t offset = 0;
    std::string bytes;
    bool cut = false;
  };
  struct Inode {
    explicit Inode(uint64_t its_number) : number(its_number) {}
    const uint64_t number;
    std::string bytes;            // as everybody sees them now
    std::string synced;           // as they were at the last sync
    std::vector<Piece> pieces{};  // since then, on their way to the disk
  };
  using File = std::shared_ptr<Inode>;
  using NameTable = std::map<std::string, File>;

  const NameTable& names() const { return names_; }
  uint64_t last_number() const { return numbers_; }
  File find(const std::string& path) const {
    const auto found = names_.find(path);
    return found == names_.end() ? nullptr : found->second;
  }

  File create(const std::string& path) {
    const auto file = std::make_shared<Inode>(++numbers_);
    change({"", path, file});
    return file;
  }
  void rename(const std::string& from, const std::string& to) { change({from, to, names_.at(from)}); }
  void remove(const std::string& path) { change({path, "", nullptr}); }
  void sync_folder(const std::string& folder) {
    std::erase_if(synced_names_, [&](const auto& entry) { return is_in(entry.first, folder); });
    std::erase_if(changes_, [&](const Change& one) { return is_in(one.to.empty() ? one.from : one.to, folder); });
    for (const auto& [path, inode] : names_) {
      if (is_in(path, folder)) {
        synced_names_[path] = inode;
      }
    }
  }
  static void append(Inode& file, std::string_view bytes) { write(file, file.bytes.size(), bytes); }
  static void write(Inode& file, size_t offset, std::string_view bytes) {
    file.pieces.push_back({offset, std::string(bytes)});
    apply(file.pieces.back(), file.bytes);
  }
  static void truncate(Inode& file, size_t length) {
    file.pieces.push_back({length, {}, true});
    apply(file.pieces.back(), file.bytes);
  }
  static void sync(Inode& file) {
    file.synced = written(file);
    file.pieces.clear();
  }
  // A sync that failed: what it should have written looks sound in memory, and never gets to the disk, whatever is
  // synced later.
  static void lose(Inode& file) { file.pieces.clear(); }

  // A disk with what the power cut left, all of it synced.
  CrashDisk after_crash(Tail tail, Names names, uint64_t seed) const {
    CrashDisk out;
    out.numbers_ = numbers_;
    NameTable table = names_;
    if (names != Names::kAll) {
      table = synced_names_;
      for (size_t i = 0; i < changes_.size(); ++i) {
        if (names == Names::kSome && (seed >> (i % 3) & 1) != 0) {
          apply(changes_[i], table);
        }
      }
    }
    Random random(seed);
    std::map<const Inode*, File> made;  // a file may have two names
    for (const auto& [path, inode] : table) {
      File& file = made[inode.get()];
      if (file == nullptr) {
        file = std::make_shared<Inode>(inode->number);
        file->bytes = left(*inode, tail, random);
        file->synced = file->bytes;
      }
      out.names_[path] = file;
    }
    out.synced_names_ = out.names_;
    return out;
  }

 private:
  // A name made (`from` empty), changed or removed (`to` empty).
  struct Change {
    std::string from, to;
    File inode;
  };

  static void apply(const Piece& piece, std::string& bytes) {
    if (piece.cut) {
      bytes.resize(piece.offset);
      return;
    }
    bytes.resize(std::max(bytes.size(), piece.offset + piece.bytes.size()));
    bytes.replace(piece.offset, piece.bytes.size(), piece.bytes);
  }
  static void apply(const Change& change, NameTable& names) {
    names.erase(change.from);
    if (!change.to.empty()) {
      names[change.to] = change.inode;
    }
  }
  void change(const Change& change) {
    apply(change, names_);
    changes_.push_back(change);
  }

  static std::string written(const Inode& file) {
    std::string bytes = file.synced;
    for (const Piece& piece : file.pieces) {
      apply(piece, bytes);
    }
    return bytes;
  }
  static std::string left(const Inode& file, Tail tail, Random& random) {
    std::string bytes = file.synced;
    switch (tail) {
      case Tail::kKept: return written(file);
      case Tail::kDropped: return bytes;
      case Tail::kTorn: return torn(file, random);
      case Tail::kZeros: bytes.resize(file.bytes.size(), '\0'); return bytes;
      case Tail::kReordered: return reordered(file, random);
    }
    return bytes;
  }
  // The first so many of the bytes written.
  static std::string torn(const Inode& file, Random& random) {
    size_t unsynced = 0;
    for (const Piece& piece : file.pieces) {
      unsynced += piece.bytes.size();
    }
    size_t room = unsynced == 0 ? 0 : random() % (unsynced + 1);
    std::string bytes = file.synced;
    for (const Piece& piece : file.pieces) {
      const size_t n = std::min(room, piece.bytes.size());
      apply({piece.offset, piece.bytes.substr(0, n), piece.cut}, bytes);
      room -= n;
      if (n < piece.bytes.size()) {
        break;
      }
    }
    return bytes;
  }
  static std::string reordered(const Inode& file, Random& random) {
    std::vector<std::string> moments{file.synced};
    for (const Piece& piece : file.pieces) {
      moments.push_back(moments.back());
      apply(piece, moments.back());
    }
    std::string bytes(moments[random() % moments.size()].size(), '\0');
    for (size_t at = 0; at < bytes.size(); at += kSector) {
      const std::string& then = moments[random() % moments.size()];
      if (at < then.size()) {
        const size_t n = std::min({kSector, bytes.size() - at, then.size() - at});
        bytes.replace(at, n, then, at, n);
      }
    }
    return bytes;
  }

  static bool is_in(const std::string& path, const std::string& folder) {
    return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/' &&
           path.find('/', folder.size() + 1) == std::string::npos;
  }

  NameTable names_;
  NameTable synced_names_;
  std::vector<Change> changes_;  // since their folder was synced
  uint64_t numbers_ = 0;
};

}  // namespace flume::test
