#include "node/runtime/node_set.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>

#include "common/base/text.h"
#include "common/io/posix.h"
#include "common/journal/journal.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/node/runtime/runtime_rig.h"

namespace flume::node {
namespace {

using test::Strings;

lang::ComponentSpec described(lang::ComponentSpec::Kind kind, const std::string& name) {
  lang::ComponentSpec spec;
  spec.kind = kind;
  spec.name = name;
  spec.summary = "Does what a test says.";
  spec.examples = {{name, "Used by tests."}};
  return spec;
}

// feed and other are sources, keep and spare sinks, shell a source that runs commands.
class NodeSetTest : public testing::Test {
 protected:
  NodeSetTest() {
    for (const char* name : {"feed", "other", "shell"}) {
      lang::ComponentSpec spec = described(lang::ComponentSpec::Kind::kSource, name);
      spec.runs_commands = name == std::string("shell");
      sources_[name] = std::make_shared<test::SourceScript>();
      registry_.add_source(std::move(spec), [this, name](const lang::Plan&, const Build&) -> std::unique_ptr<Source> {
        return std::make_unique<test::StagedSource>(stage_, name, sources_[name], true);
      });
    }
    for (const char* name : {"keep", "spare"}) {
      sinks_[name] = std::make_shared<test::SinkScript>();
      registry_.add_sink(described(lang::ComponentSpec::Kind::kSink, name),
                         [this, name](const lang::Plan&, const Build&) -> std::unique_ptr<Sink> {
                           return std::make_unique<test::StagedSink>(stage_, name, sinks_[name]);
                         });
    }
    build();
  }
  ~NodeSetTest() override { set_->stop(); }

  void build(bool one_shot = false) {
    set_ = std::make_unique<NodeSet>(NodeSetParts{registry_, world_.clock, world_.metrics, world_.settings,
                                                  world_.capabilities, world_.identity, world_.watch, world_.storage,
                                                  world_.net, dir_ / "state", one_shot});
    set_->on_change([this] { stage_.news(); });
  }
  static LogicalConfig config(const std::string& name, uint64_t revision, const std::string& source,
                              const std::string& sink) {
    return {name, "flow", source, sink, revision, false};
  }
  LogicalStatus until(const std::string& name, const std::function<bool(const LogicalStatus&)>& holds) {
    LogicalStatus seen;
    stage_.until([&] {
      const auto found = set_->find(name);
      seen = found.value_or(LogicalStatus());
      return found && holds(seen);
    });
    return seen;
  }
  LogicalStatus until_active(const std::string& name, uint64_t revision) {
    return until(name, [revision](const LogicalStatus& status) {
      return status.state == NodeState::kActive && status.revision == revision;
    });
  }

  test::NodeWorld world_;
  test::Stage stage_;
  test::TempDir dir_;
  Registry registry_;
  std::map<std::string, std::shared_ptr<test::SourceScript>, std::less<>> sources_;
  std::map<std::string, std::shared_ptr<test::SinkScript>, std::less<>> sinks_;
  std::unique_ptr<NodeSet> set_;
};

TEST_F(NodeSetTest, RunsWhatItIsGivenAndSaysSo) {
  ASSERT_TRUE(set_->set(config("a", 4, " feed ", " keep ")).ok());
  const LogicalStatus status = until_active("a", 4);
  EXPECT_EQ(status.flow, "flow");
  EXPECT_EQ(status.source, "feed");
  EXPECT_EQ(status.sink, "keep");
  EXPECT_EQ(status.wanted_revision, 4U);
  EXPECT_EQ(status.error, "");
}

// Puts what it takes into the node's delivery journal.
class JournallingSink final : public Sink {
 public:
  Status open(Context& context, const Wait&) override {
    journal_ = context.journal;
    return journal_->open();
  }
  AppendResult append(const EventBatch& batch, const Wait&) override {
    (void)journal_->commit(journal::Durable{"sink", "", 0, {{Id128{8}, 0, batch.rows()}}, 6});
    batch.settle(Outcome::kDelivered);
    return {{}, batch.rows()};
  }
  Status flush(const Wait&) override { return {}; }
  Status close(const Wait&) override { return {}; }

 private:
  journal::Journal* journal_ = nullptr;
};

TEST_F(NodeSetTest, ADeliveryJournalThatCannotBeWrittenIsShownUntilItCan) {
  registry_.add_sink(
      described(lang::ComponentSpec::Kind::kSink, "journalling"),
      [](const lang::Plan&, const Build&) -> std::unique_ptr<Sink> { return std::make_unique<JournallingSink>(); });
  ASSERT_TRUE(set_->set(config("a", 1, "feed", "journalling")).ok());
  until_active("a", 1);
  const std::string folder = dir_ / "state/a";
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(replace_file(folder, "in the way", 0600).ok());
  stage_.tell([this] { sources_["feed"]->given.push_back({"row"}); });
  const auto look = [this] { return set_->find("a")->error; };
  while (look().find("the delivery journal cannot be written, rows wait for it: ") != 0) {
    ::poll(nullptr, 0, 1);
  }
  std::filesystem::remove(folder);
  while (!look().empty()) {
    ::poll(nullptr, 0, 1);
  }
}

TEST_F(NodeSetTest, ABadConfigurationIsRefusedWithItsPlaceAndTheOldFlowGoesOn) {
  ASSERT_TRUE(set_->set(config("a", 1, "feed", "keep")).ok());
  until_active("a", 1);
  const Status refused = set_->set(config("a", 2, "fed", "keep"));
  EXPECT_EQ(refused.code(), Code::kInvalid);
  EXPECT_EQ(refused.message(),
            "source:1:1: error L021: no source 'fed'; did you mean 'feed'?\n"
            "  1 | fed\n"
            "    | ^~~");
  const LogicalStatus status = *set_->find("a");
  EXPECT_EQ(status.error, refused.message());
  EXPECT_EQ(status.revision, 1U);
  EXPECT_EQ(status.wanted_revision, 2U);
  stage_.tell([this] { sources_["feed"]->given.push_back({"still"}); });
  stage_.until([this] { return sinks_["keep"]->rows == Strings{"still"}; });
}

TEST_F(NodeSetTest, AGoodConfigurationClearsTheErrorOfABadOne) {
  EXPECT_FALSE(set_->set(config("a", 1, "fed", "keep")).ok());
  EXPECT_EQ(set_->find("a")->state, NodeState::kHello);
  ASSERT_TRUE(set_->set(config("a", 2, "feed", "keep")).ok());
  EXPECT_EQ(until_active("a", 2).error, "");
}

TEST_F(NodeSetTest, APushedConfigurationThatRunsCommandsNeedsTheOwnersLeave) {
  LogicalConfig pushed = config("a", 1, "shell", "keep");
  pushed.pushed = true;
  const Status refused = set_->set(pushed);
  EXPECT_EQ(refused.code(), Code::kPermission);
  EXPECT_EQ(refused.message(),
            "shell runs commands of the machine, and this node takes such configurations only from its own command "
            "line; its owner can allow them with flume.node.pushed.exec=true");
  EXPECT_EQ(sources_["shell"]->open_calls, 0);
  pushed.pushed = false;
  ASSERT_TRUE(set_->set(pushed).ok());
  until_active("a", 1);
}

TEST_F(NodeSetTest, NodesAreIndependentAndListedByName) {
  ASSERT_TRUE(set_->set(config("b", 1, "feed", "keep")).ok());
  ASSERT_TRUE(set_->set(config("a", 2, "other", "spare")).ok());
  until_active("a", 2);
  until_active("b", 1);
  const auto all = set_->list();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name, "a");
  EXPECT_EQ(all[1].name, "b");
}

TEST_F(NodeSetTest, RemoveClosesTheNodeAndForgetsItsMetrics) {
  ASSERT_TRUE(set_->set(config("a", 1, "feed", "keep")).ok());
  stage_.tell([this] { sources_["feed"]->given.push_back({"x"}); });
  until("a", [](const LogicalStatus& status) { return status.ledger.delivered.events == 1; });
  ASSERT_TRUE(set_->remove("a").ok());
  EXPECT_FALSE(sources_["feed"]->is_open);
  EXPECT_FALSE(sinks_["keep"]->is_open);
  EXPECT_TRUE(set_->list().empty());
  EXPECT_TRUE(world_.metrics.samples().empty());
  const Status again = set_->remove("a");
  EXPECT_EQ(again.code(), Code::kNotFound);
  EXPECT_EQ(again.message(), "remove logical node \"a\": there is none of this name");
}

TEST_F(NodeSetTest, RefreshOfAnUnknownNodeSaysSo) {
  const Status status = set_->refresh("a");
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_EQ(status.message(), "refresh logical node \"a\": there is none of this name");
}

TEST_F(NodeSetTest, RefreshOpensSourceAndSinkAnew) {
  ASSERT_TRUE(set_->set(config("a", 1, "feed", "keep")).ok());
  until_active("a", 1);
  ASSERT_TRUE(set_->refresh("a").ok());
  stage_.until([this] { return sources_["feed"]->open_calls == 2 && sinks_["keep"]->open_calls == 2; });
}

// Puts two streams of three ranges each into its node's journal, and notes how much of them that still knows.
class JournalUser final : public Sink {
 public:
  explicit JournalUser(std::string& known) : known_(known) {}
  Status open(Context& context, const Wait&) override {
    FLUME_RETURN_IF_ERROR(context.journal->open());
    known_.clear();
    for (uint8_t stream = 1; stream <= 2; ++stream) {
      for (uint64_t row = 0; row < 6; row += 2) {
        const int64_t millis = context.clock.wall_millis() + stream;
        (void)context.journal->commit(journal::Durable{"sink", "", 0, {{Id128{stream}, row, row + 1}}, millis});
      }
    }
    for (uint8_t stream = 1; stream <= 2; ++stream) {
      known_ += str_cat(context.journal->known("sink", Id128{stream}, 0, 6).rows.size(), " ");
    }
    return {};
  }
  AppendResult append(const EventBatch& batch, const Wait&) override { return {{}, batch.rows()}; }
  Status flush(const Wait&) override { return {}; }
  Status close(const Wait&) override { return {}; }

 private:
  std::string& known_;
};

TEST_F(NodeSetTest, TheDeliveryJournalsBoundsAreSettings) {
  std::string known;
  registry_.add_sink(described(lang::ComponentSpec::Kind::kSink, "journals"),
                     [&known](const lang::Plan&, const Build&) { return std::make_unique<JournalUser>(known); });
  ASSERT_TRUE(set_->set(config("whole", 1, "feed", "journals")).ok());
  until_active("whole", 1);
  EXPECT_EQ(known, "3 3 ");
  ASSERT_TRUE(world_.settings.set("flume.storage.journal.ranges", "2", "test").ok());
  ASSERT_TRUE(set_->set(config("ranges", 1, "feed", "journals")).ok());
  until_active("ranges", 1);
  EXPECT_EQ(known, "2 2 ");
  ASSERT_TRUE(world_.settings.set("flume.storage.journal.streams", "1", "test").ok());
  ASSERT_TRUE(set_->set(config("streams", 1, "feed", "journals")).ok());
  until_active("streams", 1);
  EXPECT_EQ(known, "0 2 ") << "the oldest goes";
  set_->stop();  // before what its sinks refer to
}

TEST_F(NodeSetTest, NothingIsAcceptedAfterStop) {
  ASSERT_TRUE(set_->set(config("a", 1, "feed", "keep")).ok());
  until_active("a", 1);
  set_->stop();
  EXPECT_FALSE(sources_["feed"]->is_open);
  EXPECT_EQ(set_->set(config("b", 1, "feed", "keep")).code(), Code::kStopped);
  EXPECT_TRUE(set_->list().empty());
}

TEST_F(NodeSetTest, WaitsUntilOneShotNodesAreDone) {
  build(true);
  sources_["feed"]->given = {{"a"}};
  sources_["feed"]->ends = true;
  sinks_["spare"]->opens = {Status(Code::kUnavailable, "connection refused")};
  ASSERT_TRUE(set_->set(config("good", 1, "feed", "keep")).ok());
  ASSERT_TRUE(set_->set(config("bad", 1, "other", "spare")).ok());
  ASSERT_TRUE(set_->wait_until_done(Wait::for_duration(std::chrono::seconds(60))));
  EXPECT_EQ(set_->find("good")->state, NodeState::kIdle);
  EXPECT_TRUE(set_->find("good")->source_ended);
  EXPECT_EQ(set_->find("bad")->state, NodeState::kError);
  EXPECT_EQ(set_->find("bad")->error, "connection refused");
}

TEST_F(NodeSetTest, WaitingForNodesThatAreNotDoneEndsWithTheStopToken) {
  ASSERT_TRUE(set_->set(config("a", 1, "feed", "keep")).ok());
  StopSource stop;
  stop.request_stop();
  EXPECT_FALSE(set_->wait_until_done(Wait{TimePoint::max(), stop.token()}));
}

TEST_F(NodeSetTest, CountersAreSummedOverTheNodesComponents) {
  ASSERT_TRUE(set_->set(config("a", 1, "feed", "keep")).ok());
  stage_.tell([this] { sources_["feed"]->given.push_back({"x", "yz"}); });
  const LogicalStatus status = until("a", [](const LogicalStatus& seen) { return seen.ledger.delivered.events == 2; });
  EXPECT_EQ(status.counters.at("flume_flow_read_events_total"), 2);
  EXPECT_EQ(status.counters.at("flume_flow_read_bytes_total"), 3);
  EXPECT_TRUE(status.ledger.balanced);
}

}  // namespace
}  // namespace flume::node
