#include "node/runtime/registry.h"

#include <utility>

#include "common/base/check.h"
#include "node/runtime/placed.h"

namespace flume::node {

namespace {

constexpr std::string_view kFanOutName = "[";
constexpr std::string_view kFailoverName = "<";

std::string_view factory_name(const lang::Plan& plan) {
  switch (plan.kind) {
    case lang::Plan::Kind::kFanOut: return kFanOutName;
    case lang::Plan::Kind::kFailover: return kFailoverName;
    default: return plan.name;
  }
}

}  // namespace

const lang::Catalog& Build::catalog() const { return registry_.catalog(); }

std::unique_ptr<Source> Build::source(const lang::PlanPtr& plan) const {
  FLUME_CHECK(plan != nullptr && plan->kind == lang::Plan::Kind::kSource, "not the plan of a source");
  const auto found = registry_.sources_.find(plan->name);
  FLUME_CHECK(found != registry_.sources_.end(), plan->name);
  return placed(found->second(*plan, *this), plan->path);
}

std::unique_ptr<Sink> Build::sink(const lang::PlanPtr& plan) const {
  FLUME_CHECK(plan != nullptr && plan->kind != lang::Plan::Kind::kSource, "not the plan of a sink");
  const bool decorator = plan->kind == lang::Plan::Kind::kDecorator;
  const auto& factories = decorator ? registry_.decorators_ : registry_.sinks_;
  const auto found = factories.find(factory_name(*plan));
  FLUME_CHECK(found != factories.end(), factory_name(*plan));
  return placed(found->second(*plan, *this), plan->path);
}

std::function<std::unique_ptr<Sink>()> Build::again(const lang::PlanPtr& plan) const {
  return [build = *this, plan] { return build.sink(plan); };
}

void Registry::add(std::map<std::string, SinkFactory, std::less<>>& factories, lang::ComponentSpec spec,
                   SinkFactory factory) {
  const std::string name = spec.name;
  const Status added = catalog_.add(std::move(spec));
  FLUME_CHECK(added.ok(), added.message());
  FLUME_CHECK(factories.emplace(name, std::move(factory)).second, name);
}

void Registry::add_source(lang::ComponentSpec spec, SourceFactory factory) {
  spec.kind = lang::ComponentSpec::Kind::kSource;
  const std::string name = spec.name;
  const Status added = catalog_.add(std::move(spec));
  FLUME_CHECK(added.ok(), added.message());
  FLUME_CHECK(sources_.emplace(name, std::move(factory)).second, name);
}

void Registry::add_sink(lang::ComponentSpec spec, SinkFactory factory) {
  spec.kind = lang::ComponentSpec::Kind::kSink;
  add(sinks_, std::move(spec), std::move(factory));
}

void Registry::add_decorator(lang::ComponentSpec spec, SinkFactory factory) {
  spec.kind = lang::ComponentSpec::Kind::kDecorator;
  add(decorators_, std::move(spec), std::move(factory));
}

void Registry::add_fan_out(SinkFactory factory) { sinks_.emplace(kFanOutName, std::move(factory)); }

void Registry::add_failover(SinkFactory factory) { sinks_.emplace(kFailoverName, std::move(factory)); }

void Registry::add_format(lang::ComponentSpec spec) {
  spec.kind = lang::ComponentSpec::Kind::kFormat;
  const Status added = catalog_.add(std::move(spec));
  FLUME_CHECK(added.ok(), added.message());
}

}  // namespace flume::node
