// [ a, b, ... ] — every row goes to every branch and is settled when all branches have settled it (R22).
//
// A branch that takes less than the others has the rest kept here for it, and nothing more is accepted meanwhile: the
// slowest branch sets the pace, and at most one batch is held. A branch that fails makes the fan-out fail, after the
// others were given the batch; the driver then closes and opens all of it and offers again what is not settled, which
// branches that already had it get twice.
// Thread: driver.
#include <algorithm>
#include <optional>

#include "common/base/units.h"
#include "node/runtime/registry.h"

namespace flume::node {
namespace {

constexpr Duration kRetryHeld = 10ms;  // how soon a branch that was full is offered its rest again

class FanOut final : public Sink {
 public:
  explicit FanOut(std::vector<std::unique_ptr<Sink>> branches) {
    for (auto& branch : branches) {
      branches_.push_back({std::move(branch), {}});
    }
  }

  Status open(Context& context, const Wait& wait) override {
    context_ = &context;
    ledger_.emplace(context.metrics);
    for (Branch& branch : branches_) {
      branch.rest = EventBatch();
    }
    for (size_t i = 0; i < branches_.size(); ++i) {
      Status status = branches_[i].sink->open(context, wait);
      if (!status.ok()) {
        for (size_t opened = 0; opened < i; ++opened) {
          (void)branches_[opened].sink->close(wait);  // the failure to open is the one to report
        }
        return status;
      }
    }
    return {};
  }

  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    if (Status status = offer_rests(wait); !status.ok()) {
      return {std::move(status), 0};
    }
    const uint32_t rows = batch.rows();
    const auto more = static_cast<uint32_t>(rows * (branches_.size() - 1));
    batch.token().expect(more);
    ledger_->in(rows, batch.body_bytes());
    ledger_->added(more);
    for (Branch& branch : branches_) {
      branch.rest = batch;
    }
    Status status = offer_rests(wait);
    if (!status.ok() && !status.ran_out_of_time()) {
      failure_ = std::move(status);  // all rows are taken, so the failure is told by the next call
    }
    return {{}, rows};
  }

  TimePoint due() const override {
    TimePoint earliest = has_rests() || !failure_.ok() ? next_offer_ : TimePoint::max();
    for (const Branch& branch : branches_) {
      earliest = std::min(earliest, branch.sink->due());
    }
    return earliest;
  }

  Status tick(TimePoint now) override {
    Status first = std::exchange(failure_, {});
    for (Branch& branch : branches_) {
      if (branch.sink->due() <= now) {
        keep_first(first, branch.sink->tick(now));
      }
    }
    if (first.ok() && has_rests() && next_offer_ <= now) {
      first = offer_rests(Wait{TimePoint::min(), {}});
    }
    return first;
  }

  Status flush(const Wait& wait) override {
    Status first = offer_rests(wait);
    for (Branch& branch : branches_) {
      keep_first(first, branch.sink->flush(wait));
    }
    return first;
  }

  // What one branch has not settled another may have: rows are let go, and those that are not settled everywhere count
  // as not delivered and are offered again as they were read.
  std::vector<EventBatch> take_back() override {
    for (Branch& branch : branches_) {
      (void)branch.sink->take_back();
      branch.rest = EventBatch();
    }
    publish_held();
    return {};
  }

  bool reads_bodies() const override { return false; }
  Status close(const Wait& wait) override {
    if (context_ == nullptr) {
      return {};
    }
    Status first = offer_rests(wait);
    for (Branch& branch : branches_) {
      keep_first(first, branch.sink->close(wait));
    }
    return first;
  }

 private:
  struct Branch {
    std::unique_ptr<Sink> sink;
    EventBatch rest;  // taken from above, not yet by this branch
  };

  static void keep_first(Status& first, Status status) {
    if (first.ok()) {
      first = std::move(status);
    }
  }
  bool has_rests() const {
    return std::any_of(branches_.begin(), branches_.end(), [](const Branch& branch) { return !branch.rest.empty(); });
  }

  // Gives every branch what is kept for it. OK: nothing is left. All branches are tried; a failure counts more than a
  // branch that is only full.
  Status offer_rests(const Wait& wait) {
    Status failed = std::exchange(failure_, {});
    Status full;
    for (Branch& branch : branches_) {
      if (branch.rest.empty()) {
        continue;
      }
      AppendResult result = branch.sink->append(branch.rest, wait);
      if (result.taken > 0) {
        ledger_->out(result.taken, branch.rest.slice(0, result.taken).body_bytes());
      }
      branch.rest = result.taken < branch.rest.rows() ? branch.rest.from(result.taken) : EventBatch();
      keep_first(result.status.ran_out_of_time() ? full : failed, std::move(result.status));
    }
    next_offer_ = context_->clock.now() + kRetryHeld;
    publish_held();
    return failed.ok() ? full : failed;
  }

  void publish_held() {
    int64_t held = 0;
    for (const Branch& branch : branches_) {
      held += branch.rest.rows();
    }
    if (ledger_ && held != held_) {
      ledger_->held(held);
      held_ = held;
    }
  }

  std::vector<Branch> branches_;
  Context* context_ = nullptr;
  std::optional<RowLedger> ledger_;
  Status failure_;
  TimePoint next_offer_ = TimePoint::min();
  int64_t held_ = 0;
};

}  // namespace

void register_compose_fan_out(Registry& registry) {
  registry.add_fan_out([](const lang::Plan& plan, const Build& build) -> std::unique_ptr<Sink> {
    std::vector<std::unique_ptr<Sink>> branches;
    for (const lang::PlanPtr& child : plan.children) {
      branches.push_back(build.sink(child));
    }
    return std::make_unique<FanOut>(std::move(branches));
  });
}

}  // namespace flume::node
