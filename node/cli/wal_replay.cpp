// flume wal replay: all rows of a log through any sink. The log becomes the source of a flow of its own, which only
// this command knows; everything else is the machinery that runs a one-shot node.
#include <atomic>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "common/base/text.h"
#include "common/cli/options.h"
#include "node/cli/running.h"
#include "node/cli/wal_commands.h"

namespace flume::node {
namespace {

constexpr char kReplay[] = "wal replay";
constexpr char kReplaySource[] = "rowsOfTheLog";
constexpr char kReplayText[] =
    "Sends all rows of a log through a sink and says how many were delivered. They keep their identities, so a store "
    "that has them already can tell. Damaged places are told on standard error and left out. Exit code 0: all rows "
    "were delivered and nothing was damaged.";

struct ReplayOptions {
  std::string folder;
  std::string sink;
};

void declare(CLI::App& app, ReplayOptions& options) {
  app.add_option("dir", options.folder, "the log's folder")->required()->type_name("DIR");
  app.add_option("sink", options.sink, "the sink, in the dataflow language")->required()->type_name("SINK");
}

// What the command wants to know of its source. Written by the driver's thread.
struct ReplayCounts {
  std::atomic<uint64_t> damaged = 0;
};

class LogRows final : public Source {
 public:
  LogRows(std::string folder, ReplayCounts& counts) : folder_(std::move(folder)), counts_(counts) {}

  Status open(Context& context, const Wait&) override {
    FLUME_ASSIGN_OR_RETURN(wal::LogFolder folder, wal::look_at_folder(folder_, local_files()));
    tracker_ = AckTracker::create(folder.segments.empty() ? 0 : folder.segments.front().name.first_ordinal);
    walk_.emplace(std::move(folder), local_files(), context.limits);
    return {};
  }

  Result<Next> next(EventBatch& out, const Wait& wait) override {
    while (!wait.stop.stop_requested()) {
      FLUME_ASSIGN_OR_RETURN(wal::LogWalk::Item item, walk_->next());
      switch (item.kind) {
        case wal::LogWalk::Kind::kEnd: return Next::kEnd;
        case wal::LogWalk::Kind::kFinding: tell(item.finding); break;
        case wal::LogWalk::Kind::kRows: {
          const Hop hop = item.batch.hop();
          const uint64_t bytes = item.batch.codec() == BlobCodec::kNone ? item.batch.body_bytes() : 0;
          out = item.batch.with_token(tracker_->issue(hop.ordinal + hop.span, item.batch.rows(), bytes));
          return Next::kBatch;
        }
      }
    }
    return Next::kNothingYet;
  }

  Result<bool> rewind() override {
    walk_->seek(tracker_->settled());
    tracker_->rewound();
    return true;
  }
  Status close(const Wait&) override { return {}; }
  std::vector<std::shared_ptr<AckTracker>> trackers() const override {
    return tracker_ == nullptr ? std::vector<std::shared_ptr<AckTracker>>() : std::vector{tracker_};
  }

 private:
  // Once each, also when the source went back over it.
  void tell(const wal::Finding& finding) {
    const std::string line = finding_line(finding);
    if (told_.insert(line).second) {
      counts_.damaged += finding.is_damage() ? 1 : 0;
      say_error(kReplay, line);
    }
  }

  const std::string folder_;
  ReplayCounts& counts_;
  std::shared_ptr<AckTracker> tracker_;  // positions are the rows' numbers in the log
  std::optional<wal::LogWalk> walk_;
  std::set<std::string> told_;
};

// What the run came to, as one line.
std::string outcome_text(const LogicalStatus& status) {
  const Ledger& ledger = status.ledger;
  std::string text =
      str_cat(ledger.delivered.events, ledger.delivered.events == 1 ? " row delivered" : " rows delivered");
  for (const auto& [reason, amount] : ledger.dropped) {
    str_append(text, ", ", amount.events, " dropped (", reason, ")");
  }
  if (ledger.in_flight.events > 0) {
    str_append(text, ", ", ledger.in_flight.events, " not delivered");
  }
  if (!status.source_ended) {
    text += "; not all of the log was read";
  }
  return text;
}

int run_replay(const Settings& settings, const Registry& registry, std::span<const std::string> args) {
  CLI::App app(kReplayText, kReplay);
  ReplayOptions options;
  declare(app, options);
  if (const auto code = parse_options(app, args)) {
    return *code;
  }
  if (const auto folder = wal::look_at_folder(options.folder, local_files()); !folder.ok()) {
    return wal_failed(kReplay, folder.status());
  }
  ReplayCounts counts;
  Registry with_log = registry;
  lang::ComponentSpec spec;
  spec.kind = lang::ComponentSpec::Kind::kSource;
  spec.name = kReplaySource;
  spec.summary = "The rows of the log that flume wal replay was given.";
  spec.examples = {{kReplaySource, "It takes no arguments."}};
  spec.replayable = true;
  with_log.add_source(std::move(spec), [&](const lang::Plan&, const Build&) -> std::unique_ptr<Source> {
    return std::make_unique<LogRows>(options.folder, counts);
  });
  bool all_delivered = false;
  const int code =
      run_flow("replay", kReplaySource, options.sink, settings, with_log, [&all_delivered](const NodeSet& set) {
        for (const LogicalStatus& status : set.list()) {
          all_delivered = status.source_ended && status.ledger.in_flight.events == 0 && status.ledger.dropped.empty();
          say_error(kReplay, outcome_text(status));
        }
      });
  if (code != kExitOk) {
    return code;
  }
  return all_delivered && counts.damaged == 0 ? kExitOk : kExitFailed;
}

}  // namespace

WalTool wal_replay_tool(const Settings& settings, const Registry& registry) {
  CLI::App app(kReplayText, kReplay);
  ReplayOptions unused;
  declare(app, unused);
  return {"replay", usage_of(app),
          [&settings, &registry](std::span<const std::string> args) { return run_replay(settings, registry, args); }};
}

}  // namespace flume::node
