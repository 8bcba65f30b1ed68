#include "node/runtime/agent_options.h"

#include <utility>

#include "common/base/check.h"

namespace flume::node {

namespace {

constexpr uint64_t kWorthwhile = 512;  // bytes; below, the head is most of a batch

class Compress final : public Decorator {
 public:
  Compress(std::unique_ptr<Sink> sub, BlobCodec codec) : Decorator(std::move(sub)), codec_(codec) {}

  Status open(Context& context, const Wait& wait) override {
    raw_ = &context.metrics.counter("flume_compression_in_bytes_total");
    stored_ = &context.metrics.counter("flume_compression_out_bytes_total");
    return Decorator::open(context, wait);
  }
  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    if (batch.codec() != BlobCodec::kNone || batch.body_bytes() < kWorthwhile) {
      return Decorator::append(batch, wait);
    }
    // A batch that is offered again, because the sink was full, is not compressed again.
    if (made_.empty() || !from_.is_same(batch)) {
      from_ = batch.with_token({});
      auto made = from_.compressed(codec_);
      made_ = made.ok() ? std::move(made).value() : from_;  // it stays plain
      raw_->add(batch.blob().size());
      stored_->add(made_.codec() == BlobCodec::kNone ? batch.blob().size() : made_.encoded().pieces[1].iov_len);
    }
    AppendResult result = Decorator::append(made_.with_token(batch.token()), wait);
    if (result.taken > 0) {
      from_ = made_ = EventBatch();
    }
    return result;
  }

 private:
  const BlobCodec codec_;
  // The batch last offered and not taken, and what was made of it. Without its token: the caller has the batch.
  EventBatch from_;
  EventBatch made_;
  Counter* raw_ = nullptr;
  Counter* stored_ = nullptr;
};

}  // namespace

void add_agent_options(std::vector<lang::ArgSpec>& args) {
  lang::ArgSpec compression{
      .name = "compression",
      .doc =
          "How batches are compressed on the wire: `zstd`, `lz4`, `gzip` or `none`. `true`, as in classic "
          "configurations, is `gzip`.",
      .default_text = "\"none\"",
      .type = lang::ArgType::kText,
      .one_of = {"none", "zstd", "lz4", "gzip", "true", "false"},
      .keyword_only = true};
  lang::ArgSpec count{.name = "batchCount",
                      .doc = "Of classic configurations, without effect: events travel in batches anyway.",
                      .default_text = "1",
                      .type = lang::ArgType::kInteger,
                      .min = 1,
                      .keyword_only = true};
  lang::ArgSpec millis{.name = "batchMillis",
                       .doc = "Of classic configurations, without effect: no event waits for others.",
                       .default_text = "0",
                       .type = lang::ArgType::kDuration,
                       .min = 0,
                       .keyword_only = true};
  args.insert(args.end(), {compression, count, millis});
}

std::unique_ptr<Sink> compressing(std::unique_ptr<Sink> sub, const lang::Args& args) {
  const std::string& name = args.text("compression");
  const auto codec = blob_codec_of(name == "true" ? "gzip" : name == "false" ? "none" : name);
  FLUME_CHECK(codec, name);
  if (*codec == BlobCodec::kNone) {
    return sub;
  }
  return std::make_unique<Compress>(std::move(sub), *codec);
}

}  // namespace flume::node
