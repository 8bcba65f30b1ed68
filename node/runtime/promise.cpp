#include "node/runtime/promise.h"

#include <algorithm>
#include <memory>

#include "common/base/text.h"

namespace flume::node {

namespace {

using lang::ComponentSpec;
using lang::Keeps;
using lang::Plan;

// What is above a sink in the plan.
struct Above {
  bool is_received = false;   // the source gets rows from other nodes, which number them
  bool has_log = false;       // rows come out of a write-ahead log
  bool has_failover = false;  // or go through one when something fails, and may have gone before
  bool has_alternative = false;
  bool has_joins = false;  // row counts may change in front of a log
  std::string remade_by;   // what makes other rows of those that come; empty: nothing
};

SinkPromise of_files(const Above& above) {
  if (above.has_log) {
    return {"", "", Promise::kOnce, "rows come from a log and its files have a journal: what comes again is known"};
  }
  if (above.is_received) {
    return {
        "", "", Promise::kOnce,
        "its files have a journal: rows that come again from a log are known (rows of senders without one are not)"};
  }
  return {"", "", Promise::kAtLeastOnce,
          "rows have no numbers without a log: those of about the last second are read again after a kill"};
}

SinkPromise of_a_log() {
  return {"", "", Promise::kOnceInFiles,
          "rows stay in the log until the collector's sinks answer for them; those that write files there know rows "
          "that come again, others (console, a sink of your own) write them again"};
}

SinkPromise promise_of_sink(Keeps keeps, const Above& above) {
  if (keeps == Keeps::kBestEffort) {
    return {"", "", Promise::kBestEffort, "rows that the collector does not take in time are dropped and counted"};
  }
  if (keeps == Keeps::kFailoverLog || above.has_failover) {
    return {"", "", Promise::kAtLeastOnce,
            "rows that were on their way when a link died are sent again, and may have arrived"};
  }
  if (keeps == Keeps::kLogOfAChain) {
    return {"", "", Promise::kAtLeastOnce,
            "rows that a collector took and did not answer for wait for it; when it stays away too long "
            "(flume.wal.resend.elsewhere.millis) they go to the next, and may be in both"};
  }
  if (above.has_alternative) {
    return {"", "", Promise::kAtLeastOnce,
            "rows that one sink took and did not answer for may go to the next, and be in both"};
  }
  if (!above.remade_by.empty() && keeps != Keeps::kNothing) {
    return {
        "", "", Promise::kAtLeastOnce,
        str_cat(above.remade_by, " makes new rows, which are not known when those that they were made of come again")};
  }
  switch (keeps) {
    case Keeps::kJournal: return of_files(above);
    case Keeps::kLog: return of_a_log();
    case Keeps::kDurableLink:
      if (above.has_log) {
        return of_a_log();
      }
      [[fallthrough]];
    case Keeps::kLink:
      return {"", "", Promise::kAtLeastOnce, "rows that were not confirmed are sent again, and may have arrived"};
    default: return {"", "", Promise::kAtLeastOnce, "it keeps no journal: rows that come again are written again"};
  }
}

// The description of what the plan names; of signs of the language, which have none, one that says nothing.
const ComponentSpec& spec_of(const Plan& plan, const lang::Catalog& catalog) {
  static const ComponentSpec nothing;
  const auto kind = plan.kind == Plan::Kind::kDecorator ? ComponentSpec::Kind::kDecorator : ComponentSpec::Kind::kSink;
  const ComponentSpec* spec = catalog.find(kind, plan.name);
  return spec == nullptr ? nothing : *spec;
}

void walk(const Plan& plan, Above above, const lang::Catalog& catalog, FlowPromise& out, bool& all_logged) {
  const ComponentSpec& spec = spec_of(plan, catalog);
  const bool is_chain = plan.kind == Plan::Kind::kFailover || plan.name == "failChain";
  if (plan.children.empty() || (plan.kind == Plan::Kind::kSink && !is_chain)) {
    SinkPromise promise = promise_of_sink(spec.keeps, above);
    promise.path = plan.path;
    promise.sink = plan.name;
    all_logged = all_logged && (above.has_log || spec.keeps == Keeps::kLog || spec.keeps == Keeps::kLogOfAChain);
    out.may_join = out.may_join || above.has_joins;
    out.sinks.push_back(std::move(promise));
    return;
  }
  if (plan.kind == Plan::Kind::kDecorator) {
    if (spec.remakes_rows) {
      above.has_joins = above.has_joins || !above.has_log;
      above.remade_by = plan.name;
    }
    above.has_log = above.has_log || spec.keeps == Keeps::kLog;
    above.has_failover = above.has_failover || spec.keeps == Keeps::kFailoverLog;
  }
  above.has_alternative = above.has_alternative || is_chain;
  for (const auto& child : plan.children) {
    walk(*child, above, catalog, out, all_logged);
  }
}

}  // namespace

std::string_view promise_name(Promise promise) {
  constexpr std::string_view kNames[] = {"exactly_once", "exactly_once_in_files", "at_least_once", "best_effort"};
  return kNames[static_cast<size_t>(promise)];
}

FlowPromise promise_of(const lang::NodePlan& plan, const lang::Catalog& catalog) {
  const ComponentSpec* source = catalog.find(ComponentSpec::Kind::kSource, plan.source->name);
  FlowPromise flow;
  Above above;
  above.is_received = source != nullptr && source->receives;
  bool all_logged = true;
  walk(*plan.sink, above, catalog, flow, all_logged);
  flow.may_join = flow.may_join && all_logged;
  flow.promise = Promise::kOnce;
  for (const SinkPromise& sink : flow.sinks) {
    flow.promise = std::max(flow.promise, sink.promise);
  }
  if (source != nullptr && !source->replayable) {
    flow.source = str_cat(plan.source->name, " cannot be read again: rows that no sink has taken when the process is ",
                          "killed are lost");
  }
  return flow;
}

}  // namespace flume::node
