// format(pattern) — makes a new body from the event.
#include "common/event/event_escape.h"
#include "node/runtime/registry.h"
#include "node/runtime/row_map.h"

namespace flume::node {
namespace {

class FormatDecorator final : public RowMap {
 public:
  FormatDecorator(std::unique_ptr<Sink> sub, EscapeTemplate pattern)
      : RowMap(std::move(sub)), expander_(std::move(pattern), TimeZone::local(), EscapeUse::kText) {}

 protected:
  EventBatch map(const EventBatch& batch) override {
    std::string all;
    std::string one;
    std::vector<size_t> ends(batch.rows());
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      expander_.expand(batch, row, one);
      all += one;
      ends[row] = all.size();
    }
    std::vector<std::string_view> bodies(batch.rows());
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      const size_t start = row == 0 ? 0 : ends[row - 1];
      bodies[row] = std::string_view(all).substr(start, ends[row] - start);
    }
    return batch.with_bodies(bodies, "\n");
  }

 private:
  const EscapeExpander expander_;
};

}  // namespace

void register_decorator_format(Registry& registry) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  spec.name = "format";
  spec.summary = "Replaces the body by a text made from the event.";
  spec.doc = "Attributes, timestamp and host stay. `%{body}` is the old body.";
  lang::ArgSpec pattern{.name = "pattern", .doc = "The new body, with escapes."};
  pattern.type = lang::ArgType::kEscape;
  pattern.required = true;
  spec.args = {pattern};
  spec.examples = {{R"(format("%{host} %{body}") console)", "Puts the host before each line."}};
  registry.add_decorator(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<FormatDecorator>(build.sink(plan.children[0]),
                                             EscapeTemplate::parse(plan.args.text("pattern")).value());
  });
}

}  // namespace flume::node
