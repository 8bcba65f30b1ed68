// gzip and gunzip — an event as the classic system packs it: its binary form, compressed, in an attribute of an event
// without a body.
#include <zlib.h>

#include "common/event/writable_event.h"
#include "node/runtime/registry.h"
#include "node/runtime/row_expand.h"
#include "node/runtime/row_map.h"

namespace flume::node {
namespace {

constexpr std::string_view kAttribute = "compressGzip";
constexpr int kGzipWindow = 15 + 16;         // 16: with gzip's header and trailer
constexpr size_t kLargestEvent = 16U << 20;  // unpacked: more than any event within the limits

// Makes the binary form of rows; what OutputFormat does for files.
class BinaryEvents final : public OutputFormat {
 public:
  std::string_view name() const override { return "binary"; }

 protected:
  void append_row(const FormatRow& row, std::string& out) override { append_writable_event(row, out); }
};

class Deflater {
 public:
  Deflater() {
    const int result = deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
    FLUME_CHECK(result == Z_OK, "zlib cannot start");
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  std::string run(std::string_view bytes) {
    deflateReset(&stream_);
    std::string out(deflateBound(&stream_, bytes.size()), '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    FLUME_CHECK(deflate(&stream_, Z_FINISH) == Z_STREAM_END, "zlib's bound on its output does not hold");
    out.resize(stream_.total_out);
    return out;
  }

 private:
  z_stream stream_{};
};

class GzipDecorator final : public RowMap {
 public:
  using RowMap::RowMap;

  Status open(Context& context, const Wait& wait) override {
    largest_ = context.limits.event_bytes;
    return RowMap::open(context, wait);
  }

 protected:
  EventBatch map(const EventBatch& batch) override {
    std::vector<std::string> packed(batch.rows());
    std::vector<std::optional<std::string_view>> values(batch.rows());
    std::vector<std::string_view> bodies(batch.rows());
    bool all = true;
    std::string plain;
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      plain.clear();
      events_.append(batch.slice(row, 1), plain);
      packed[row] = deflater_.run(plain);
      if (packed[row].size() <= largest_ && batch.attribute_fits(kAttribute, packed[row].size())) {
        values[row] = packed[row];
      } else {
        bodies[row] = batch.body(row);  // does not fit an attribute: the event passes as it is
        all = false;
      }
    }
    const EventBatch emptied = batch.with_bodies(bodies, batch.delimiter());
    const EventBatch bare = all ? emptied.with_only_attributes({}) : without_attributes(batch, emptied, values);
    return bare.with_attribute(kAttribute, values);
  }

 private:
  // Takes the attributes from the packed rows only.
  static EventBatch without_attributes(const EventBatch& batch, EventBatch out,
                                       const std::vector<std::optional<std::string_view>>& packed) {
    std::vector<std::optional<std::string_view>> kept(batch.rows());
    for (const std::string_view name : batch.attribute_names()) {
      for (uint32_t row = 0; row < batch.rows(); ++row) {
        kept[row] = packed[row] ? std::nullopt : batch.attribute(row, name);
      }
      out = out.with_attribute(name, kept);
    }
    return out;
  }

  BinaryEvents events_;
  Deflater deflater_;
  size_t largest_ = 0;
};

class GunzipDecorator final : public RowExpand {
 public:
  using RowExpand::RowExpand;

 protected:
  bool concerns(const EventBatch& batch) const override {
    const auto names = batch.attribute_names();
    return std::find(names.begin(), names.end(), kAttribute) != names.end();
  }

  Result<bool> expand(const EventBatch& batch, uint32_t row, std::vector<Event>& out) override {
    const auto packed = batch.attribute(row, kAttribute);
    if (!packed) {
      return false;
    }
    FLUME_RETURN_IF_ERROR(inflate_into_plain(*packed));
    size_t used = 0;
    FLUME_ASSIGN_OR_RETURN(Event event, read_writable_event(plain_, limits(), &used));
    if (used != plain_.size()) {
      return Status(Code::kCorrupt, "gunzip: bytes follow the event");
    }
    out.push_back(std::move(event));
    return true;
  }

 private:
  Status inflate_into_plain(std::string_view packed) {
    z_stream stream{};
    if (inflateInit2(&stream, kGzipWindow) != Z_OK) {
      return {Code::kInternal, "gunzip: zlib cannot start"};
    }
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    plain_.clear();
    int result = Z_OK;
    while (result == Z_OK && plain_.size() < kLargestEvent) {
      const size_t before = plain_.size();
      plain_.resize(std::max<size_t>(before * 2, 4096));
      stream.next_out = reinterpret_cast<Bytef*>(plain_.data() + before);
      stream.avail_out = static_cast<uInt>(plain_.size() - before);
      result = inflate(&stream, Z_NO_FLUSH);
      plain_.resize(plain_.size() - stream.avail_out);
    }
    const bool whole = result == Z_STREAM_END && stream.avail_in == 0;
    inflateEnd(&stream);
    if (!whole) {
      return {Code::kCorrupt, "gunzip: the attribute compressGzip is not one whole gzip member of an event"};
    }
    return {};
  }

  std::string plain_;  // kept for its capacity
};

lang::ComponentSpec described(std::string name, std::string summary, std::string doc) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  spec.doc = std::move(doc);
  return spec;
}

}  // namespace

void register_decorator_gzip(Registry& registry) {
  lang::ComponentSpec gzip = described(
      "gzip", "Compresses every event into an attribute.",
      "The event becomes one without a body and with the attribute `compressGzip`, which holds all of it in the "
      "classic binary form, compressed; gunzip gives it back. Time, host and priority stay readable. An event that "
      "does not fit an attribute passes as it is. Between two nodes of this system the links' own compression is "
      "better, because it sees whole batches.");
  gzip.examples = {{"batch(100) gzip console", "For a classic collector with gunzip unbatch."}};
  registry.add_decorator(std::move(gzip), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<GzipDecorator>(build.sink(plan.children[0]));
  });
  lang::ComponentSpec gunzip =
      described("gunzip", "Gives back the events that gzip compressed.",
                "Other events pass. One that cannot be unpacked passes as it is and is counted in "
                "`flume_rows_not_understood_total`.");
  gunzip.remakes_rows = true;
  gunzip.examples = {{"gunzip unbatch console", "What classic agents sent with gzip and batch."}};
  registry.add_decorator(std::move(gunzip), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<GunzipDecorator>(build.sink(plan.children[0]));
  });
}

}  // namespace flume::node
