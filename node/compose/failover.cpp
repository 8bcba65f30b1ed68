// < a ? b ? ... > — rows go to the first branch that works.
//
// A branch that fails gives back what it has not settled, is closed, and is left alone for a pause that doubles with
// every further failure (flume.agent.failover.backoff.*); its rows, then the rest, go to the next one. At the first
// append after the pause it is tried again, and preferred again when it opens. A branch that is only full is no
// failure: the flow waits. Rows given to two branches may arrive twice; whoever settles them decides what became of
// them (R22). A branch that does not answer may use up its share of the time there is, so that those behind it get
// theirs.
//
// A last branch that stores on failure and keeps order takes the whole over (spooling/disk_failover_sink.h): once it
// holds rows, later ones may not overtake them. Behind a write-ahead log a failover of durable links (rpcSink) keeps
// rows with the collector that they were offered to (spooling/homed_chain.h). Thread: driver.
#include <algorithm>
#include <deque>
#include <optional>
#include <set>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/units.h"
#include "node/runtime/branch.h"
#include "node/runtime/collector_address.h"
#include "node/runtime/log_book.h"
#include "node/runtime/registry.h"
#include "node/spooling/disk_failover_sink.h"
#include "node/spooling/homed_chain.h"

namespace flume::node {
namespace {

constexpr Duration kTickTime = 1s;  // for rows that were given back, and for a branch to open, between two batches
constexpr Duration kRetryReturned = 10ms;

class Failover final : public Sink {
 public:
  explicit Failover(std::vector<std::unique_ptr<Sink>> branches) {
    for (auto& branch : branches) {
      branches_.push_back({std::move(branch)});
    }
  }

  // OK when at least one branch opens. Those after it are opened when they are needed. Pauses outlive a close: those
  // that failed last are tried last.
  Status open(Context& context, const Wait& wait) override {
    context_ = &context;
    ledger_.emplace(context.metrics);
    failovers_ = &context.metrics.counter("flume_failovers_total");
    doubled_ = &context.metrics.counter("flume_possibly_doubled_rows_total");
    std::vector<size_t> order;
    for (const bool rested : {true, false}) {
      for (size_t i = 0; i < branches_.size(); ++i) {
        if (may_open(i) == rested) {
          order.push_back(i);
        }
      }
    }
    for (size_t tried = 0; tried < order.size(); ++tried) {
      Status status = open_branch(order[tried], order.size() - tried, wait);
      if (status.ok() || status.kind() == Kind::kClosed) {
        return status;
      }
    }
    return nothing_works();
  }

  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    AppendResult result{{}, 0};
    do {  // again when a branch failed meanwhile: what it gives back goes before the rest
      result.status = send_returned(wait);
      if (result.status.ok()) {
        AppendResult sent = send(batch.from(result.taken), wait);
        result = {std::move(sent.status), result.taken + sent.taken};
      }
    } while (result.status.ok() && result.taken < batch.rows());
    if (result.taken > 0) {
      const uint64_t bytes = batch.slice(0, result.taken).body_bytes();
      ledger_->in(result.taken, bytes);
      ledger_->out(result.taken, bytes);
    }
    return result;
  }

  TimePoint due() const override {
    TimePoint earliest = returned_.empty() ? TimePoint::max() : next_send_;
    const bool none = none_is_open();
    for (const Branch& branch : branches_) {
      if (branch.is_open || none) {
        earliest = std::min(earliest, branch.is_open ? branch.sink->due() : branch.next_try);
      }
    }
    return earliest;
  }

  Status tick(TimePoint now) override {
    for (size_t i = 0; i < branches_.size(); ++i) {
      if (!branches_[i].is_open || branches_[i].sink->due() > now) {
        continue;
      }
      Status status = branches_[i].sink->tick(now);
      if (!status.ok() && !status.ran_out_of_time()) {
        fail(i, std::move(status), Wait{TimePoint::min(), {}});
      }
    }
    const Wait wait = Wait::for_duration(kTickTime);
    Status status = send_returned(wait);
    if (status.ok() && none_is_open()) {
      status = open_another(wait);  // before the next rows come: they may have no time for it
    }
    return status.ran_out_of_time() ? Status() : status;
  }

  // A branch that cannot flush has failed: its rows go to the others, which are flushed too.
  Status flush(const Wait& wait) override {
    for (size_t round = 0; round <= branches_.size(); ++round) {
      if (Status status = send_returned(wait); !status.ok()) {
        return status;
      }
      for (size_t i = 0; i < branches_.size(); ++i) {
        if (!branches_[i].is_open) {
          continue;
        }
        Status status = branches_[i].sink->flush(wait);
        if (status.ran_out_of_time()) {
          return status;
        }
        if (!status.ok()) {
          fail(i, std::move(status), wait);
        }
      }
      if (returned_.empty()) {
        return {};
      }
    }
    return nothing_works();
  }

  std::vector<EventBatch> take_back() override {
    std::vector<EventBatch> all(returned_.begin(), returned_.end());
    returned_.clear();
    for (Branch& branch : branches_) {
      const auto back = branch.sink->take_back();
      all.insert(all.end(), back.begin(), back.end());
    }
    return all;
  }

  bool reads_bodies() const override { return false; }
  Status close(const Wait& wait) override {
    Status first;
    for (Branch& branch : branches_) {
      if (!branch.is_open) {
        continue;
      }
      Status status = branch.sink->close(wait);
      branch.is_open = false;
      first = first.ok() ? std::move(status) : first;
    }
    if (first.ok() && !returned_.empty()) {
      return Status(Code::kUnavailable, "close: rows that no branch took are given back");
    }
    return first;
  }

 private:
  bool may_open(size_t index) const { return branches_[index].may_open(*context_); }

  bool none_is_open() const {
    return std::none_of(branches_.begin(), branches_.end(), [](const Branch& b) { return b.is_open; });
  }

  Status open_another(const Wait& wait) {
    for (size_t i = 0; i < branches_.size(); ++i) {
      if (!may_open(i)) {
        continue;
      }
      Status status = open_branch(i, branches_.size() - i, wait);
      if (status.ok() || status.kind() == Kind::kClosed) {
        return status;
      }
    }
    return nothing_works();
  }

  Status open_branch(size_t index, size_t left, const Wait& wait) {
    return branches_[index].open(*context_, !none_is_open(), left, wait);
  }

  // Takes back what the branch has, closes it and lets it rest.
  void fail(size_t index, Status status, const Wait& wait) {
    Branch& branch = branches_[index];
    failovers_->add(1);
    FLUME_LOG_EVERY(60'000, kWarn, "a branch failed", kv("node", context_->logical_node),
                    kv("path", context_->instance), kv("branch", index), kv("error", status.to_string()));
    std::vector<EventBatch> back = branch.sink->take_back();
    (void)branch.sink->close(wait);  // the failure that led here is the one to report
    for (EventBatch& batch : branch.sink->take_back()) {
      back.push_back(std::move(batch));
    }
    returned_.insert(returned_.begin(), back.begin(), back.end());  // before what waits: it was taken earlier
    branch.is_open = false;
    next_send_ = context_->clock.now();
    branch.back_off(*context_, std::move(status));
  }

  // The branch that gave them back may have stored or sent them: those that another one takes are counted. Rows that
  // go back to whoever is above were not sent once more here, and are counted where they are.
  Status send_returned(const Wait& wait) {
    while (!returned_.empty()) {
      const EventBatch batch = std::move(returned_.front());
      returned_.pop_front();
      const size_t waiting = returned_.size();
      const AppendResult result = send(batch, wait);
      doubled_->add(result.taken);
      if (result.taken < batch.rows()) {  // behind what a branch that failed gave back
        returned_.insert(returned_.end() - static_cast<ptrdiff_t>(waiting), batch.from(result.taken));
      }
      if (!result.status.ok()) {
        next_send_ = context_->clock.now() + kRetryReturned;
        return result.status;
      }
    }
    return {};
  }

  // To the first branch that takes it; what a branch took before it failed is its own, and comes back if it was not
  // settled. OK with rows left: rows came back that have to go before them.
  AppendResult send(const EventBatch& batch, const Wait& wait) {
    uint32_t taken = 0;
    for (size_t i = 0; i < branches_.size(); ++i) {
      Branch& branch = branches_[i];
      if (!branch.is_open) {
        if (!may_open(i)) {
          continue;
        }
        if (wait.over()) {
          return {wait.stop.stop_requested() ? stopped() : Status(Code::kTimeout, "no time left to open a branch"),
                  taken};
        }
        Status opened = open_branch(i, branches_.size() - i, wait);
        if (opened.kind() == Kind::kClosed) {
          return {std::move(opened), taken};
        }
        if (!opened.ok()) {
          continue;
        }
      }
      AppendResult result = branch.sink->append(batch.from(taken), wait);
      taken += result.taken;
      if (result.status.ok()) {
        branch.backoff.reset();
        return {{}, taken};
      }
      if (result.status.ran_out_of_time()) {
        return {std::move(result.status), taken};
      }
      const size_t waiting = returned_.size();
      fail(i, std::move(result.status), wait);
      if (returned_.size() > waiting) {
        return {{}, taken};
      }
    }
    return {nothing_works(), taken};
  }

  Status nothing_works() const {
    std::string message = "no branch works:";
    for (size_t i = 0; i < branches_.size(); ++i) {
      str_append(message, i == 0 ? " " : "; ", "branch ", i, ": ", branches_[i].failure.message());
    }
    return {Code::kUnavailable, std::move(message)};
  }

  std::vector<Branch> branches_;
  std::deque<EventBatch> returned_;  // given back by branches, not yet taken by another one
  TimePoint next_send_ = TimePoint::min();
  Context* context_ = nullptr;
  std::optional<RowLedger> ledger_;
  Counter* failovers_ = nullptr;
  Counter* doubled_ = nullptr;
};

// A failover of collectors, which is the one or the other as it is opened: with a log in front (R7) or without.
class Collectors final : public Sink {
 public:
  explicit Collectors(std::vector<HomedChain::HostSink> hosts) : hosts_(std::move(hosts)) {}

  Status open(Context& context, const Wait& wait) override {
    if (chosen_ == nullptr && context.logs.feeding() != nullptr) {
      chosen_ = std::make_unique<HomedChain>(std::exchange(hosts_, {}));
    } else if (chosen_ == nullptr) {
      std::vector<std::unique_ptr<Sink>> branches;
      for (HomedChain::HostSink& host : hosts_) {
        branches.push_back(std::move(host.sink));
      }
      chosen_ = std::make_unique<Failover>(std::move(branches));
    }
    return chosen_->open(context, wait);
  }
  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    return chosen_ == nullptr ? AppendResult{unavailable("the chain is not open"), 0} : chosen_->append(batch, wait);
  }
  TimePoint due() const override { return chosen_ == nullptr ? TimePoint::max() : chosen_->due(); }
  Status tick(TimePoint now) override { return chosen_ == nullptr ? Status() : chosen_->tick(now); }
  Status flush(const Wait& wait) override { return chosen_ == nullptr ? Status() : chosen_->flush(wait); }
  std::vector<EventBatch> take_back() override {
    return chosen_ == nullptr ? std::vector<EventBatch>() : chosen_->take_back();
  }
  Status close(const Wait& wait) override { return chosen_ == nullptr ? Status() : chosen_->close(wait); }
  bool reads_bodies() const override { return false; }

 private:
  std::vector<HomedChain::HostSink> hosts_;  // until the first opening
  std::unique_ptr<Sink> chosen_;
};

// Where each branch sends to; nothing when not every one is a durable link of its own.
std::vector<std::string> collectors_of(const lang::Plan& plan, const lang::Catalog& catalog) {
  std::vector<std::string> names;
  for (const lang::PlanPtr& child : plan.children) {
    const lang::ComponentSpec* spec =
        child->kind == lang::Plan::Kind::kSink ? catalog.find(lang::ComponentSpec::Kind::kSink, child->name) : nullptr;
    if (spec == nullptr || spec->keeps != lang::Keeps::kDurableLink) {
      return {};
    }
    const HostPort to = collector_of(child->args);
    names.push_back(str_cat(to.host, ":", to.port));
  }
  return std::set(names.begin(), names.end()).size() == names.size() ? names : std::vector<std::string>();
}

// < a ? ... ? diskFailover b > where order is kept.
bool ends_in_ordered_spool(const lang::Plan& plan, const lang::Catalog& catalog) {
  const lang::Plan& last = *plan.children.back();
  if (plan.children.size() < 2 || last.kind != lang::Plan::Kind::kDecorator) {
    return false;
  }
  const lang::ComponentSpec* spec = catalog.find(lang::ComponentSpec::Kind::kDecorator, last.name);
  return spec != nullptr && spec->keeps == lang::Keeps::kFailoverLog &&
         order_of(last.args) == DiskFailoverSink::Order::kKept;
}

std::unique_ptr<Sink> spooled_failover(const lang::Plan& plan, const Build& build) {
  const lang::PlanPtr& last = plan.children.back();
  auto others = std::make_shared<lang::Plan>(plan);
  others->children.pop_back();
  const Build spooled = build.with_spool();
  return std::make_unique<DiskFailoverSink>(
      spooled.sink(others->children.size() == 1 ? others->children[0] : lang::PlanPtr(others)),
      spooled.again(last->children[0]), last->text, DiskFailoverSink::Order::kKept);
}

}  // namespace

void register_compose_failover(Registry& registry) {
  registry.add_failover([](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    if (ends_in_ordered_spool(plan, build.catalog())) {
      return spooled_failover(plan, build);
    }
    std::vector<std::unique_ptr<Sink>> branches;
    for (const lang::PlanPtr& child : plan.children) {
      branches.push_back((child == plan.children.back() ? build : build.with_backup()).sink(child));
    }
    const std::vector<std::string> names = collectors_of(plan, build.catalog());
    if (names.empty()) {
      return std::make_unique<Failover>(std::move(branches));
    }
    std::vector<HomedChain::HostSink> hosts;
    for (size_t i = 0; i < names.size(); ++i) {
      hosts.push_back({names[i], std::move(branches[i])});
    }
    return std::make_unique<Collectors>(std::move(hosts));
  });
}

}  // namespace flume::node
