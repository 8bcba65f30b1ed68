// mask(attr...) — removes attributes. select(attr...) — keeps only these.
#include "node/runtime/registry.h"
#include "node/runtime/row_map.h"

namespace flume::node {
namespace {

class MaskDecorator final : public RowMap {
 public:
  MaskDecorator(std::unique_ptr<Sink> sub, std::vector<std::string> names)
      : RowMap(std::move(sub)), names_(std::move(names)) {}

  bool reads_bodies() const override { return false; }

 protected:
  EventBatch map(const EventBatch& batch) override { return batch.without_attributes(names_); }

 private:
  const std::vector<std::string> names_;
};

class SelectDecorator final : public RowMap {
 public:
  SelectDecorator(std::unique_ptr<Sink> sub, std::vector<std::string> names)
      : RowMap(std::move(sub)), names_(std::move(names)) {}

  bool reads_bodies() const override { return false; }

 protected:
  EventBatch map(const EventBatch& batch) override { return batch.with_only_attributes(names_); }

 private:
  const std::vector<std::string> names_;
};

lang::ComponentSpec describe(std::string name, std::string summary, std::string doc) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  lang::ArgSpec names{.name = "attr", .doc = std::move(doc)};
  names.required = true;
  names.repeated = true;
  spec.args = {names};
  return spec;
}

}  // namespace

void register_decorator_mask_select(Registry& registry) {
  lang::ComponentSpec mask =
      describe("mask", "Removes attributes from every event.", "Name of an attribute to remove.");
  mask.examples = {{R"(mask("rolltag", "procsource") console)", "Without these two attributes."}};
  registry.add_decorator(std::move(mask), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<MaskDecorator>(build.sink(plan.children[0]), plan.args.texts("attr"));
  });
  lang::ComponentSpec select =
      describe("select", "Keeps only the named attributes of every event.", "Name of an attribute to keep.");
  select.examples = {{R"(select("service") console)", "All attributes but service are removed."}};
  registry.add_decorator(std::move(select), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<SelectDecorator>(build.sink(plan.children[0]), plan.args.texts("attr"));
  });
}

}  // namespace flume::node
