// intervalSampler(n) — passes on every n-th event.
#include "node/runtime/registry.h"
#include "node/runtime/row_map.h"

namespace flume::node {
namespace {

class IntervalSampler final : public RowFilter {
 public:
  IntervalSampler(std::unique_ptr<Sink> sub, uint64_t interval)
      : RowFilter(std::move(sub), "sampled"), interval_(interval) {}

 protected:
  void choose(const EventBatch& batch, std::vector<uint32_t>& pass) const override {
    for (uint64_t row = (interval_ - seen_ % interval_) % interval_; row < batch.rows(); row += interval_) {
      pass.push_back(static_cast<uint32_t>(row));
    }
  }
  void advance(uint32_t rows) override { seen_ += rows; }

 private:
  const uint64_t interval_;
  uint64_t seen_ = 0;
};

}  // namespace

void register_decorator_interval_sampler(Registry& registry) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  spec.name = "intervalSampler";
  spec.summary = "Passes on the first of every n events.";
  spec.doc = "The others are counted as dropped, reason `sampled`.";
  lang::ArgSpec interval{.name = "n", .doc = "One event of how many."};
  interval.type = lang::ArgType::kInteger;
  interval.min = 1;
  interval.required = true;
  spec.args = {interval};
  spec.examples = {{"intervalSampler(10) console", "Events 0, 10, 20 and so on."}};
  registry.add_decorator(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<IntervalSampler>(build.sink(plan.children[0]),
                                             static_cast<uint64_t>(plan.args.integer("n")));
  });
}

}  // namespace flume::node
