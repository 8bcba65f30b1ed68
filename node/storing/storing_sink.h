// StoringSink: rows into files of a store, one file for each path that the rows expand to. What dfs, formatDfs,
// escapedFormatDfs and collectorSink are made of.
//
// Life of a batch: where its columns are constant it is one bucket and, in raw format, one write of its blob; else its
// rows are staged at the files they belong to and each file is written once. Rows are settled by OutputFile. A file is
// closed and published when the sink closes, when it got nothing for a while, or when too many are open; its last sync
// runs in the background meanwhile; files whose rows are settled by that are published early when a sender asks for it
// (R8). A failed file gives back what was not synced; the sink says so and is reopened by
// the driver. Rows that the delivery journal has already are not written again. Without escapes the one file is opened
// by open(), so that a wrong path is told at once. Thread: driver.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/sync.h"
#include "node/runtime/commit_wishes.h"
#include "node/runtime/component.h"
#include "node/storing/known_rows.h"
#include "node/storing/output_file.h"
#include "node/storing/path_pattern.h"

namespace flume::node {

// Which paths were already looked through for files of crashed processes. Shared by the sinks of a process: a roll
// makes a new one each period, and going through the folders of years takes a while. Thread-safe.
class RecoveredPaths {
 public:
  bool contains(const std::string& url) const {
    const MutexLock lock(mutex_);
    return urls_.contains(url);
  }
  void add(const std::string& url) {
    const MutexLock lock(mutex_);
    urls_.insert(url);
  }

 private:
  mutable Mutex mutex_;
  std::set<std::string> urls_ FLUME_GUARDED_BY(mutex_);  // as many as configurations name
};

struct StoringOptions {
  std::string url;            // a path, or file:///path
  bool with_escapes = false;  // else a "%" in it is a "%"
  std::function<std::unique_ptr<OutputFormat>()> format;
  OutputFile::Ack ack = OutputFile::Ack::kSync;
  bool may_compress = true;  // as flume.collector.dfs.compress.codec says
  std::shared_ptr<RecoveredPaths> recovered;
};

class StoringSink final : public Sink {
 public:
  explicit StoringSink(StoringOptions options) : options_(std::move(options)) {}

  Status open(Context& context, const Wait& wait) override;
  AppendResult append(const EventBatch& batch, const Wait& wait) override;
  TimePoint due() const override;
  Status tick(TimePoint now) override;
  Status flush(const Wait& wait) override;
  std::vector<EventBatch> take_back() override;
  Status close(const Wait& wait) override;

 private:
  using Files = std::map<StorePath, std::unique_ptr<OutputFile>, std::less<>>;

  Status recover(journal::Journal* journal, const Wait& wait);
  Result<OutputFile*> file_for(const StorePath& path, const Wait& wait);
  AppendResult append_new(const EventBatch& batch, const Wait& wait);
  AppendResult append_to_many(const EventBatch& batch, uint32_t first_run, const Wait& wait);
  Status make_room(const Wait& wait);
  bool has_commit_to_make() const;
  void publish_early();
  Files::iterator start_closing(Files::iterator file);
  Status go_on_closing(const Wait& wait);
  Status finish(OutputFile& file, const Wait& wait);

  const StoringOptions options_;
  Clock* clock_ = nullptr;
  std::shared_ptr<Storage> storage_;
  OutputFile::Options file_options_;
  std::optional<PathPattern> pattern_;
  size_t max_open_ = 1;
  Duration idle_{};
  std::optional<RowAccount> account_;  // before the files that use it
  KnownRows known_;
  CommitWish wish_;
  Counter* early_ = nullptr;  // files published because of a wish

  Files open_;
  std::vector<std::unique_ptr<OutputFile>> closing_;  // on their way to their final names
  TimePoint next_look_ = TimePoint::max();            // at closing_
  std::vector<EventBatch> returned_;                  // by files that are gone
  StorePath path_;                                    // of the row at hand; kept for its capacity
};

}  // namespace flume::node
