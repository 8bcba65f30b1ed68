// nullDeco — passes everything on.
#include "node/runtime/registry.h"

namespace flume::node {
namespace {

class NullDecorator final : public Decorator {
 public:
  using Decorator::Decorator;
  bool reads_bodies() const override { return false; }
};

}  // namespace

void register_decorator_null_deco(Registry& registry) {
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  spec.name = "nullDeco";
  spec.summary = "Passes every event on as it is.";
  spec.examples = {{"nullDeco null", "The same as null."}};
  registry.add_decorator(std::move(spec), [](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    return std::make_unique<NullDecorator>(build.sink(plan.children[0]));
  });
}

}  // namespace flume::node
