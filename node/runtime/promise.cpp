#include "node/runtime/promise.h"

#include <algorithm>
#include <array>
#include <memory>

#include "common/base/text.h"

namespace flume::node {

namespace {

using lang::Plan;

// How a sink answers for rows; one that is not listed keeps no account of rows that come again.
enum class Keeps : uint8_t { kJournal, kWriteAheadLog, kLogOfAChain, kFailoverLog, kNothing, kLink, kBestEffort };
struct Known {
  std::string_view name;
  Keeps keeps;
};
constexpr std::array kSinks = {
    Known{"text", Keeps::kJournal},
    Known{"dfs", Keeps::kJournal},
    Known{"formatDfs", Keeps::kJournal},
    Known{"escapedFormatDfs", Keeps::kJournal},
    Known{"collectorSink", Keeps::kJournal},
    Known{"seqfile", Keeps::kJournal},
    Known{"agentSink", Keeps::kWriteAheadLog},
    Known{"agentE2EChain", Keeps::kLogOfAChain},
    Known{"agentDFOSink", Keeps::kFailoverLog},
    Known{"agentDFOChain", Keeps::kFailoverLog},
    Known{"agentBESink", Keeps::kBestEffort},
    Known{"agentBEChain", Keeps::kBestEffort},
    Known{"rpcSink", Keeps::kLink},
    Known{"thriftSink", Keeps::kLink},
};
constexpr std::array<std::string_view, 3> kChangeCounts = {"batch", "unbatch", "gunzip"};
constexpr std::array<std::string_view, 2> kReceivers = {"collectorSource", "rpcSource"};

Keeps keeps_of(std::string_view name) {
  const auto known = std::find_if(kSinks.begin(), kSinks.end(), [&](const Known& sink) { return sink.name == name; });
  return known == kSinks.end() ? Keeps::kNothing : known->keeps;
}

template <class Names>
bool is_one_of(std::string_view name, const Names& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

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

SinkPromise promise_of_sink(std::string_view name, const Above& above) {
  const Keeps keeps = keeps_of(name);
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
    case Keeps::kWriteAheadLog:
      return {
          "", "", Promise::kOnce,
          "rows stay in the log until the collector's sinks answer for them; those that write files there know rows "
          "that come again"};
    case Keeps::kLink:
      if (above.has_log && name == "rpcSink") {
        return {"", "", Promise::kOnce,
                "rows stay in the log until the collector's sinks answer for them; those that write files there know "
                "rows that come again"};
      }
      return {"", "", Promise::kAtLeastOnce, "rows that were not confirmed are sent again, and may have arrived"};
    default: return {"", "", Promise::kAtLeastOnce, "it keeps no journal: rows that come again are written again"};
  }
}

void walk(const Plan& plan, Above above, FlowPromise& out, bool& all_logged) {
  const bool is_chain = plan.kind == Plan::Kind::kFailover || plan.name == "failChain";
  if (plan.children.empty() || (plan.kind == Plan::Kind::kSink && !is_chain)) {
    SinkPromise promise = promise_of_sink(plan.name, above);
    promise.path = plan.path;
    promise.sink = plan.name;
    const Keeps keeps = keeps_of(plan.name);
    all_logged = all_logged && (above.has_log || keeps == Keeps::kWriteAheadLog || keeps == Keeps::kLogOfAChain);
    out.may_join = out.may_join || above.has_joins;
    out.sinks.push_back(std::move(promise));
    return;
  }
  if (plan.kind == Plan::Kind::kDecorator) {
    if (is_one_of(plan.name, kChangeCounts)) {
      above.has_joins = above.has_joins || !above.has_log;
      above.remade_by = plan.name;
    }
    above.has_log = above.has_log || plan.name == "ackedWriteAhead";
    above.has_failover = above.has_failover || plan.name == "diskFailover";
  }
  above.has_alternative = above.has_alternative || is_chain;
  for (const auto& child : plan.children) {
    walk(*child, above, out, all_logged);
  }
}

}  // namespace

std::string_view promise_name(Promise promise) {
  constexpr std::string_view kNames[] = {"exactly_once", "at_least_once", "best_effort"};
  return kNames[static_cast<size_t>(promise)];
}

FlowPromise promise_of(const lang::NodePlan& plan, const lang::Catalog& catalog) {
  FlowPromise flow;
  Above above;
  above.is_received = is_one_of(plan.source->name, kReceivers);
  bool all_logged = true;
  walk(*plan.sink, above, flow, all_logged);
  flow.may_join = flow.may_join && all_logged;
  flow.promise = Promise::kOnce;
  for (const SinkPromise& sink : flow.sinks) {
    flow.promise = std::max(flow.promise, sink.promise);
  }
  const lang::ComponentSpec* source = catalog.find(lang::ComponentSpec::Kind::kSource, plan.source->name);
  if (source != nullptr && !source->replayable) {
    flow.source = str_cat(plan.source->name, " cannot be read again: rows that no sink has taken when the process is ",
                          "killed are lost");
  }
  return flow;
}

}  // namespace flume::node
