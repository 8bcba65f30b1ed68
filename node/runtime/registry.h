// Registry: every component by name, with its description and its factory. A value, filled by explicit calls from a
// generated list (node/components.cpp), one register_<kind>_<file>() per file of sources/, sinks/, decorators/. A
// factory is pure: no I/O, cannot fail, may be called many times from one immutable Plan (roll bodies, refresh).
// Whatever could be wrong with the arguments was refused by the checker. Thread: filled before threads start, then read
// only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "dataflow-lang/catalog.h"
#include "dataflow-lang/plan.h"
#include "node/runtime/component.h"

namespace flume::node {

class Registry;

// Makes component trees from plans. What a factory gets besides its arguments. Every component is given a Context of
// its own place in the plan (placed.h), so a decorator passes on the one it was given.
class Build {
 public:
  explicit Build(const Registry& registry) : registry_(registry) {}
  // For what is built inside a sink that takes care of rows which the inner one cannot deliver: a failover's branches
  // but the last, a log's. Such a sink fails and gives back, and drops nothing for being late.
  Build with_backup() const {
    Build inner = *this;
    inner.has_backup_ = true;
    return inner;
  }
  bool has_backup() const { return has_backup_; }
  // The same inside a sink that stores what it gets back: a link that breaks gives back what it sent and the far end
  // did not confirm, instead of dropping it (R25).
  Build with_spool() const {
    Build inner = with_backup();
    inner.has_spool_ = true;
    return inner;
  }
  bool has_spool() const { return has_spool_; }
  const lang::Catalog& catalog() const;
  std::unique_ptr<Source> source(const lang::PlanPtr& plan) const;
  std::unique_ptr<Sink> sink(const lang::PlanPtr& plan) const;
  // Makes the sink anew at each call (roll, collector). Keeps the plan alive; the registry must outlive it.
  std::function<std::unique_ptr<Sink>()> again(const lang::PlanPtr& plan) const;

 private:
  const Registry& registry_;
  bool has_backup_ = false;
  bool has_spool_ = false;
};

using SourceFactory = std::function<std::unique_ptr<Source>(const lang::Plan& plan, const Build& build)>;
using SinkFactory = std::function<std::unique_ptr<Sink>(const lang::Plan& plan, const Build& build)>;

class Registry {
 public:
  // A broken description (Catalog::add) is a broken invariant: aborts at start.
  void add_source(lang::ComponentSpec spec, SourceFactory factory);
  void add_sink(lang::ComponentSpec spec, SinkFactory factory);
  void add_decorator(lang::ComponentSpec spec, SinkFactory factory);  // its sub-sink: build.sink(plan.children[0])
  void add_format(lang::ComponentSpec spec);  // output formats: described here, made by event/format
  // The two that the language has signs for instead of names; docs/language.md describes them.
  void add_fan_out(SinkFactory factory);   // [ a, b ]
  void add_failover(SinkFactory factory);  // < a ? b >
  const lang::Catalog& catalog() const { return catalog_; }

 private:
  friend class Build;
  void add(std::map<std::string, SinkFactory, std::less<>>& factories, lang::ComponentSpec spec, SinkFactory factory);

  lang::Catalog catalog_;
  std::map<std::string, SourceFactory, std::less<>> sources_;
  std::map<std::string, SinkFactory, std::less<>> sinks_;  // also roll and collector, and "[" and "<"
  std::map<std::string, SinkFactory, std::less<>> decorators_;
};

}  // namespace flume::node
