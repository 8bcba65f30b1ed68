// flakeyAppend(p[, seed]) — fails now and then, on purpose.
#include "common/base/java_random.h"
#include "node/runtime/registry.h"

namespace flume::node {
namespace {

class FlakeyAppend final : public Decorator {
 public:
  FlakeyAppend(std::unique_ptr<Sink> sub, double probability, std::optional<int64_t> seed)
      : Decorator(std::move(sub)), probability_(probability), seed_(seed), random_(first_seed()) {}

  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    uint32_t done = 0;
    while (done < batch.rows()) {
      bool struck = false;
      while (let_through_ < batch.rows() - done && !struck) {
        struck = random_.next_double() < probability_;
        let_through_ += struck ? 0 : 1;
      }
      if (let_through_ > 0) {
        const AppendResult below = Decorator::append(batch.slice(done, let_through_), wait);
        const bool all = below.taken == let_through_;
        done += below.taken;
        let_through_ -= below.taken;  // a row's die is cast once, also when the row is not taken yet
        if (!all) {
          failing_ = failing_ || struck;
          return {below.status, done};
        }
      }
      if (struck || failing_) {
        failing_ = false;
        return {unavailable("flakiness struck and caused a failure"), done};
      }
    }
    return {{}, done};
  }

 private:
  int64_t first_seed() const { return seed_ ? *seed_ : static_cast<int64_t>(random_seed()); }

  const double probability_;
  const std::optional<int64_t> seed_;
  JavaRandom random_;
  uint32_t let_through_ = 0;  // rows whose die is cast and lets them through
  bool failing_ = false;      // and the one after them fails
};

}  // namespace

void register_decorator_flakey_append(Registry& registry) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  spec.name = "flakeyAppend";
  spec.summary = "Fails at random, to try out what retries.";
  spec.doc = "An event that fails is not passed on; whoever appends it again casts the die again.";
  lang::ArgSpec probability{.name = "probability", .doc = "Of a failure for each event, 0 to 1."};
  probability.type = lang::ArgType::kFloat;
  probability.min = 0;
  probability.max = 1;
  probability.required = true;
  lang::ArgSpec seed{.name = "seed", .doc = "Makes the failures repeatable."};
  seed.type = lang::ArgType::kInteger;
  spec.args = {probability, seed};
  spec.examples = {{"insistentAppend flakeyAppend(0.1) console", "One in ten appends fails and is repeated."}};
  registry.add_decorator(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    std::optional<int64_t> seed_value;
    if (plan.args.has("seed")) {
      seed_value = plan.args.integer("seed");
    }
    return std::make_unique<FlakeyAppend>(build.sink(plan.children[0]), plan.args.number("probability"), seed_value);
  });
}

}  // namespace flume::node
