#include "node/runtime/placed.h"

#include <exception>
#include <new>

#include "common/base/log.h"
#include "common/base/text.h"

namespace flume::node {

namespace {

// Runs `call`; an exception becomes a status made by `failed(status)`.
template <class Call, class Failed>
auto guarded(const std::string& path, const char* what, Call&& call, Failed&& failed) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return failed(Status(Code::kNoSpace, str_cat(what, " of ", path, ": out of memory")));
  } catch (const std::exception& error) {
    return failed(Status(Code::kInternal, str_cat(what, " of ", path, ": ", std::string_view(error.what()))));
  }
}

Status as_is(Status status) { return status; }

class PlacedSource final : public Source {
 public:
  PlacedSource(std::unique_ptr<Source> source, std::string path) : source_(std::move(source)), path_(std::move(path)) {}

  Status open(Context& context, const Wait& wait) override {
    place(context);
    return guarded(
        path_, "open", [&] { return source_->open(*context_, wait); }, as_is);
  }
  Result<Next> next(EventBatch& out, const Wait& wait) override {
    return guarded(
        path_, "next", [&] { return source_->next(out, wait); },
        [](Status status) { return Result<Next>(std::move(status)); });
  }
  Result<bool> rewind() override {
    return guarded(
        path_, "rewind", [&] { return source_->rewind(); },
        [](Status status) { return Result<bool>(std::move(status)); });
  }
  bool forgets_at_close() const override { return source_->forgets_at_close(); }
  void end_intake() override { source_->end_intake(); }
  bool holds_rows() const override { return source_->holds_rows(); }
  bool is_full() const override { return source_->is_full(); }
  Status checkpoint() override {
    return guarded(
        path_, "checkpoint", [&] { return source_->checkpoint(); }, as_is);
  }
  Status close(const Wait& wait) override {
    return guarded(
        path_, "close", [&] { return source_->close(wait); }, as_is);
  }
  std::vector<std::shared_ptr<AckTracker>> trackers() const override { return source_->trackers(); }

 private:
  void place(const Context& context) {
    if (!context_) {
      context_.emplace(context.at(path_));
    }
  }

  std::optional<Context> context_;  // before source_: goes after it
  const std::unique_ptr<Source> source_;
  const std::string path_;
};

class PlacedSink final : public Sink {
 public:
  PlacedSink(std::unique_ptr<Sink> sink, std::string path) : sink_(std::move(sink)), path_(std::move(path)) {}

  Status open(Context& context, const Wait& wait) override {
    place(context);
    return guarded(
        path_, "open", [&] { return sink_->open(*context_, wait); }, as_is);
  }
  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    if (batch.codec() != BlobCodec::kNone && sink_->reads_bodies()) {
      return append_uncompressed(batch, wait);
    }
    // How far an append came that ended in an exception is not known; nothing taken means that rows may be repeated,
    // never lost.
    return guarded(
        path_, "append", [&] { return sink_->append(batch, wait); },
        [](Status status) {
          return AppendResult{std::move(status), 0};
        });
  }
  TimePoint due() const override { return sink_->due(); }
  Status tick(TimePoint now) override {
    return guarded(
        path_, "tick", [&] { return sink_->tick(now); }, as_is);
  }
  Status flush(const Wait& wait) override {
    return guarded(
        path_, "flush", [&] { return sink_->flush(wait); }, as_is);
  }
  std::vector<EventBatch> take_back() override { return sink_->take_back(); }
  Status close(const Wait& wait) override {
    return guarded(
        path_, "close", [&] { return sink_->close(wait); }, as_is);
  }
  bool reads_bodies() const override { return false; }

 private:
  // What cannot be uncompressed was wrong when it was sent: its checksum is right. It must not stop the flow for ever.
  AppendResult append_uncompressed(const EventBatch& batch, const Wait& wait) {
    const auto plain = batch.uncompressed({});
    if (plain.ok()) {
      return append(*plain, wait);
    }
    if (!context_) {
      return {unavailable(str_cat("append to ", path_, ": it is not open")), 0};
    }
    FLUME_LOG_EVERY(60'000, kError, "events cannot be uncompressed", kv("node", context_->logical_node),
                    kv("path", path_), kv("error", plain.status()));
    RowLedger ledger(context_->metrics);
    ledger.in(batch.rows(), batch.body_bytes());
    ledger.drop(batch, "undecodable");
    return {{}, batch.rows()};
  }

  void place(const Context& context) {
    if (!context_) {
      context_.emplace(context.at(path_));
    }
  }

  std::optional<Context> context_;  // before sink_: goes after it
  const std::unique_ptr<Sink> sink_;
  const std::string path_;
};

}  // namespace

std::unique_ptr<Source> placed(std::unique_ptr<Source> source, std::string path) {
  return std::make_unique<PlacedSource>(std::move(source), std::move(path));
}

std::unique_ptr<Sink> placed(std::unique_ptr<Sink> sink, std::string path) {
  return std::make_unique<PlacedSink>(std::move(sink), std::move(path));
}

}  // namespace flume::node
