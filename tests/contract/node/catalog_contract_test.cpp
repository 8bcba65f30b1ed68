// Every component's description is true: examples check and build, and the contract tests know how to run it.
#include <gtest/gtest.h>

#include "tests/contract/node/subjects.h"

namespace flume::contract {
namespace {

using Kind = lang::ComponentSpec::Kind;

TEST(CatalogContract, DescriptionsAreWithoutFault) {
  const test::SinkRig rig;
  for (const std::string& fault :
       lang::check_catalog(rig.registry.catalog(), node::check_options(rig.world.settings))) {
    ADD_FAILURE() << fault;
  }
}

TEST(CatalogContract, ExamplesBuild) {
  const test::SinkRig rig;
  for (const lang::ComponentSpec& spec : rig.registry.catalog().all()) {
    for (const auto& [example, meaning] : spec.examples) {
      const bool is_source = spec.kind == Kind::kSource;
      const std::string sink = spec.kind == Kind::kFormat ? "console(" + example + ")" : is_source ? "null" : example;
      const lang::CheckedNode checked = lang::check_node(
          "n1", is_source ? example : "null", sink, rig.registry.catalog(), node::check_options(rig.world.settings));
      ASSERT_TRUE(checked.ok()) << example << "\n" << lang::to_text(checked.diagnostics);
      EXPECT_NE(node::Build(rig.registry).source(checked.plan.source), nullptr) << example;
      EXPECT_NE(node::Build(rig.registry).sink(checked.plan.sink), nullptr) << example;
    }
  }
}

TEST(CatalogContract, EveryComponentIsUnderContract) {
  const test::SinkRig rig;
  const auto knows = [](const auto& subjects, const std::string& name) {
    return std::any_of(subjects.begin(), subjects.end(), [&](const auto& subject) { return subject.name == name; });
  };
  for (const lang::ComponentSpec& spec : rig.registry.catalog().all()) {
    if (spec.kind == Kind::kSource) {
      EXPECT_TRUE(knows(source_subjects(), spec.name)) << "add the source " << spec.name << " to subjects.h";
    } else if (spec.kind == Kind::kSink && spec.name != "keep") {
      EXPECT_TRUE(knows(sink_subjects(), spec.name)) << "add the sink " << spec.name << " to subjects.h";
    }
  }
}

}  // namespace
}  // namespace flume::contract
