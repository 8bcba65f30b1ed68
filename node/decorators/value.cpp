// value(attr, value{, escape=false}) — sets an attribute.
#include "common/event/event_escape.h"
#include "node/runtime/registry.h"
#include "node/runtime/row_map.h"

namespace flume::node {
namespace {

class ValueDecorator final : public RowMap {
 public:
  ValueDecorator(std::unique_ptr<Sink> sub, std::string attribute, std::string value,
                 std::optional<EscapeTemplate> pattern)
      : RowMap(std::move(sub)), attribute_(std::move(attribute)), value_(std::move(value)) {
    if (pattern && pattern->has_escapes()) {
      expander_.emplace(*std::move(pattern), TimeZone::local(), EscapeUse::kText);
    }
  }

  bool reads_bodies() const override { return expander_.has_value(); }

 protected:
  EventBatch map(const EventBatch& batch) override {
    if (!expander_) {
      return batch.with_constant(attribute_, value_);
    }
    std::string text;
    uint32_t run = expander_->expand_run(batch, 0, text);
    if (run == batch.rows()) {
      return batch.with_constant(attribute_, text);
    }
    std::vector<std::string> texts;
    std::vector<std::optional<std::string_view>> values(batch.rows());
    texts.reserve(batch.rows());  // views into the texts stay valid
    for (uint32_t row = 0; row < batch.rows(); row += run) {
      run = expander_->expand_run(batch, row, text);
      texts.push_back(text);
      std::fill_n(values.begin() + row, run, texts.back());
    }
    return batch.with_attribute(attribute_, values);
  }

 private:
  const std::string attribute_;
  const std::string value_;
  std::optional<EscapeExpander> expander_;
};

}  // namespace

void register_decorator_value(Registry& registry) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  spec.name = "value";
  spec.summary = "Sets an attribute of every event.";
  spec.doc = "An attribute of that name is replaced. With `escape=true` the value is filled in from each event.";
  lang::ArgSpec attribute{.name = "attr", .doc = "Name of the attribute."};
  attribute.required = true;
  lang::ArgSpec value{.name = "value", .doc = "Its value; may hold escapes such as %{host} when escape is true."};
  value.type = lang::ArgType::kEscape;
  value.required = true;
  lang::ArgSpec escape{.name = "escape", .doc = "Whether escapes in the value are filled in.", .default_text = "false"};
  escape.type = lang::ArgType::kBool;
  escape.keyword_only = true;
  spec.args = {attribute, value, escape};
  spec.examples = {{R"(value("service", "web") console)", "Every event gets the attribute service=web."},
                   {R"(value("path", "%{host}/%Y-%m-%d", escape=true) console)", "The value depends on the event."}};
  registry.add_decorator(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    std::optional<EscapeTemplate> pattern;
    if (plan.args.boolean("escape")) {
      pattern = EscapeTemplate::parse(plan.args.text("value")).value();
    }
    return std::make_unique<ValueDecorator>(build.sink(plan.children[0]), plan.args.text("attr"),
                                            plan.args.text("value"), std::move(pattern));
  });
}

}  // namespace flume::node
