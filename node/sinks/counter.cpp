// counter(name) — counts events and forgets them. Starts at 0 at every open.
#include <atomic>

#include "node/runtime/registry.h"

namespace flume::node {

namespace {

class CounterSink final : public Sink {
 public:
  explicit CounterSink(std::string name) : name_(std::move(name)) {}

  Status open(Context& context, const Wait&) override {
    count_ = &context.metrics.gauge("flume_counter_events", {{"name", name_}});
    count_->set(0);
    return {};
  }
  AppendResult append(const EventBatch& batch, const Wait&) override {
    count_->add(batch.rows());
    batch.settle(Outcome::kDelivered);
    return {{}, batch.rows()};
  }
  Status flush(const Wait&) override { return {}; }
  Status close(const Wait&) override { return {}; }
  bool reads_bodies() const override { return false; }

 private:
  const std::string name_;
  Gauge* count_ = nullptr;
};

}  // namespace

void register_sink_counter(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "counter";
  spec.summary = "Counts events and forgets them.";
  spec.doc = "The count is the metric `flume_counter_events` with the label `name`. It starts at 0 at every open.";
  spec.args = {{.name = "name", .doc = "Label of the count.", .type = lang::ArgType::kText, .required = true}};
  spec.takes_responsibility = true;
  spec.examples = {{R"(counter("web"))", "Counts under the name web."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Sink> {
    return std::make_unique<CounterSink>(plan.args.text("name"));
  });
}

}  // namespace flume::node
