// null — takes everything and forgets it.
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

class NullSink final : public Sink {
 public:
  Status open(Context&, const Wait&) override { return {}; }
  AppendResult append(const EventBatch& batch, const Wait&) override {
    batch.settle(Outcome::kDelivered);
    return {{}, batch.rows()};
  }
  Status flush(const Wait&) override { return {}; }
  Status close(const Wait&) override { return {}; }
  bool reads_bodies() const override { return false; }
};

}  // namespace

void register_sink_null(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "null";
  spec.summary = "Takes every event and forgets it.";
  spec.takes_responsibility = true;
  spec.examples = {{"null", "Nothing is kept."}};
  registry.add_sink(std::move(spec), [](const lang::Plan&, const Build&) -> std::unique_ptr<Sink> {
    return std::make_unique<NullSink>();
  });
}

}  // namespace flume::node
