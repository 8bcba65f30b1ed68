// A master changes the flows again and again while lines pass. A second flow is never touched.
#include <algorithm>

#include "common/base/text.h"
#include "common/json/json.h"
#include "node/torture/http_call.h"
#include "node/torture/scenario.h"

namespace flume::torture {
namespace {

constexpr int kHttpOk = 200;
constexpr uint64_t kChangesASecond = 5;  // that many are done, however long they take

class Storm {
 public:
  explicit Storm(Rig& rig) : rig_(rig) {}

  Status begin() {
    FLUME_ASSIGN_OR_RETURN(ports_, rig_.free_ports(kPorts));
    const Pairs settings = {{"flume.master.http.port", port(kHttp)},
                            {"flume.master.heartbeat.port", port(kHeartbeat)},
                            {"flume.config.admin.port", port(kAdmin)},
                            {"flume.master.store.dir", rig_.path("master")}};
    rig_.describe("master", {"master_nowatch"}, settings);
    rig_.describe("agent", {"node_nowatch", "-n", "agent"}, settings);
    rig_.describe("collector", {"node_nowatch", "-n", "collector"}, settings);
    rig_.watch_flows("agent", {"agent", "steady"});
    rig_.watch_flows("collector", {"store1", "store2", "store3"});
    FLUME_RETURN_IF_ERROR(rig_.start("master"));
    const Wait wait = Wait::for_duration(std::chrono::seconds(20), rig_.stop());
    while (!http_call(ports_[kHttp], "GET", "/api/v1/status").ok()) {
      if (wait.over()) {
        return {Code::kTimeout, "the master did not answer"};
      }
      rig_.wait(std::chrono::milliseconds(50));
    }
    for (const char* name : {"collector", "agent"}) {
      FLUME_RETURN_IF_ERROR(rig_.start(name));
    }
    for (size_t store = kStore1; store <= kStore3; ++store) {
      FLUME_RETURN_IF_ERROR(command({"map", "collector", name_of_store(store)}));
      FLUME_RETURN_IF_ERROR(configure_store(store, 2000));
    }
    FLUME_RETURN_IF_ERROR(command({"map", "agent", "steady"}));
    FLUME_RETURN_IF_ERROR(command({"config", "steady", source(2), sink(rig_.options().mode, kStore3)}));
    return configure_agent();
  }

  // One change. The agent's own flow always gets its source back in the same call or the next.
  Status change() {
    const bool be = rig_.options().mode == Mode::kBe;
    switch (rig_.below(10)) {
      case 0:
        if (away_) {
          return come_back();
        }
        ++gone_;
        FLUME_RETURN_IF_ERROR(command({"unconfig", "agent"}));
        return configure_agent();
      case 1: return away_ ? come_back() : go_away();
      // What a closing collector has in its hands is lost in best effort, so its flows stay as they are there.
      case 2: return be ? configure_agent() : configure_store(kStore1, 500 + rig_.below(2000));
      case 3: return be ? configure_agent() : configure_store(kStore2, 500 + rig_.below(2000));
      case 4: return away_ ? come_back() : command({"refresh", "agent"});  // what has no flow cannot be refreshed
      default: return configure_agent();
    }
  }

  Status end() {
    if (away_) {
      FLUME_RETURN_IF_ERROR(come_back());
    }
    rig_.report().fact("changes", changes_);
    rig_.report().fact("of these, removals", gone_);
    return configure_agent();
  }

 private:
  enum Port : size_t { kHttp, kHeartbeat, kAdmin, kStore1, kStore2, kStore3, kPorts };

  std::string port(size_t which) const { return std::to_string(ports_[which]); }
  static std::string name_of_store(size_t store) { return str_cat("store", store - kStore1 + 1); }

  // Files 0 and 1 are the changing flow's, 2 and 3 the steady one's.
  std::string source(int first) const {
    return str_cat("tailDir(\"", rig_.input(), "\", \"app-[", first, first + 1, "]\\\\.log\")");
  }
  std::string sink(Mode mode, size_t store) const {
    return str_cat(agent_sink_of(mode), "(\"127.0.0.1\", ", port(store), ")");
  }

  Status configure_store(size_t store, uint64_t roll_millis) {
    return command({"config", name_of_store(store), str_cat("collectorSource(", port(store), ")"),
                    str_cat("collectorSink(\"file://", rig_.output(), "/", name_of_store(store), "\", \"part-\", ",
                            roll_millis, ", raw)")});
  }

  Status configure_agent() {
    if (away_) {
      return come_back();
    }
    const size_t store = rig_.below(2) == 0 ? kStore1 : kStore2;
    const Mode mode = rig_.options().mode == Mode::kE2e && rig_.below(3) == 0 ? Mode::kDfo : rig_.options().mode;
    std::string to = sink(mode, store);
    if (rig_.below(3) == 0) {
      to = str_cat("value(\"change\", \"", changes_, "\") ", to);
    }
    return command({"config", "agent", source(0), to});
  }

  Status go_away() {
    ++gone_;
    away_ = true;
    return command({"decommission", "agent"});
  }
  Status come_back() {
    away_ = false;
    return configure_agent();  // a node of its own name needs no mapping
  }

  Status command(std::vector<std::string> words) {
    ++changes_;
    JsonWriter body;
    body.begin_object().member("command", words[0]).member("wait_ms", 20000).key("args").begin_array();
    for (size_t i = 1; i < words.size(); ++i) {
      body.value(words[i]);
    }
    body.end_array().end_object();
    FLUME_ASSIGN_OR_RETURN(const HttpAnswer answer, http_call(ports_[kHttp], "POST", "/api/v1/commands", body.text()));
    const bool done = answer.status == kHttpOk && answer.body.find("\"SUCCEEDED\"") != std::string::npos;
    return done ? Status() : invalid(str_cat("command ", join(words, " "), ": ", answer.body));
  }

  Rig& rig_;
  std::vector<uint16_t> ports_;
  uint64_t changes_ = 0;
  uint64_t gone_ = 0;
  bool away_ = false;
};

}  // namespace

void run_reconfigure(Rig& rig) {
  RunReport& report = rig.report();
  Storm storm(rig);
  GeneratorOptions lines = rig.generator_options();
  lines.files = 4;
  lines.rotations = {Rotation::kRename};
  report.fail(rig.generate(lines));
  if (report.passed()) {
    report.fail(storm.begin());
  }
  const auto wanted = static_cast<uint64_t>(std::chrono::duration<double>(rig.options().time).count() *
                                            static_cast<double>(kChangesASecond));
  const Duration begun = rig.elapsed();
  for (uint64_t i = 0; i < wanted && report.passed() && !rig.stop().stop_requested(); ++i) {
    // At random moments of its own part of the time.
    const Duration part = rig.options().time / static_cast<int64_t>(wanted);
    const Duration at = begun + part * static_cast<int64_t>(i) + part * static_cast<int64_t>(rig.below(1000)) / 1000;
    rig.wait(std::max(Duration(), at - rig.elapsed()));
    report.fail(storm.change());
    rig.expect_running();
  }
  if (report.passed()) {
    report.fail(storm.end());
  }
  rig.finish({"agent", "collector", "master"}, std::chrono::seconds(60));
}

}  // namespace flume::torture
