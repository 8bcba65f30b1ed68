#include "node/torture/rig.h"

#include <filesystem>
#include <system_error>

#include "common/base/text.h"
#include "common/io/posix.h"
#include "common/json/json.h"
#include "node/torture/http_call.h"

namespace flume::torture {
namespace {

constexpr uint64_t kFaultSeed = 0x9e3779b97f4a7c15ULL;
constexpr int kHttpOk = 200;
constexpr int kHttpNotFound = 404;
constexpr Duration kStartTime = std::chrono::seconds(10);
constexpr auto kSettleTime = std::chrono::seconds(10);
constexpr auto kPollEvery = std::chrono::milliseconds(100);

// Times that a user would set longer, so that a run sees many of each.
Pairs short_times() {
  return {{"flume.master.servers", "127.0.0.1"},
          {"flume.net.bind.address", "127.0.0.1"},
          {"flume.link.heartbeat.millis", "1000"},
          {"flume.link.silence.millis", "3000"},
          {"flume.agent.failover.backoff.initial", "100"},
          {"flume.agent.failover.backoff.max", "1000"},
          {"flume.storage.sync.millis", "200"},
          {"flume.tail.pollperiod", "200"},
          {"flume.node.close.timeout", "10000"}};
}

uint64_t size_of(const std::vector<std::string>& files) {
  uint64_t sum = 0;
  for (const std::string& file : files) {
    std::error_code gone;
    const auto size = std::filesystem::file_size(file, gone);
    sum += gone ? 0 : size;
  }
  return sum;
}

}  // namespace

Rig::Rig(RunReport& report, StopToken stop)
    : report_(report),
      stop_(std::move(stop)),
      started_(SystemClock().now()),
      random_(report.options.seed ^ kFaultSeed) {}

Rig::~Rig() {
  generating_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

Duration Rig::elapsed() const { return SystemClock().now() - started_; }

void Rig::describe(const std::string& name, std::vector<std::string> words, Pairs settings, Pairs environment) {
  Node& node = nodes_[name];
  node.words = std::move(words);
  node.settings = short_times();
  node.settings.emplace_back("flume.agent.logdir", path("state-" + name));
  if (options().mode != Mode::kBe) {
    node.settings.emplace_back("flume.wal.segment.bytes", "1048576");  // many files of a log in a short run
    node.settings.emplace_back("flume.wal.free.bytes", "65536");       // the disks of a run are small
  }
  for (auto& setting : settings) {
    std::erase_if(node.settings, [&setting](const auto& other) { return other.first == setting.first; });
    node.settings.push_back(std::move(setting));
  }
  node.environment = std::move(environment);
}

void Rig::describe_node(const std::string& name, const std::string& source, const std::string& sink, Pairs settings,
                        Pairs environment) {
  describe(name, {"node_nowatch", "-n", name, "-c", str_cat(name, " : ", source, " | ", sink, ";")},
           std::move(settings), std::move(environment));
  watch_flows(name, {name});
}

void Rig::watch_flows(const std::string& name, std::vector<std::string> flows) {
  const auto page = free_ports(1);
  if (!page.ok()) {
    report_.fail(page.status());
    return;
  }
  Node& node = nodes_[name];
  node.page = (*page)[0];
  node.flows = std::move(flows);
  node.settings.emplace_back("flume.node.status.port", std::to_string(node.page));
}

Status Rig::start(const std::string& name) {
  Node& node = nodes_[name];
  if (node.process && node.process->running()) {
    return {};
  }
  ProcessOptions process;
  process.words = {options().binary, node.words[0]};
  for (const auto& [key, value] : node.settings) {
    process.words.push_back(str_cat("-D", key, "=", value));
  }
  process.words.insert(process.words.end(), node.words.begin() + 1, node.words.end());
  process.log = path(name + ".log");
  process.folder = options().folder;
  process.environment = node.environment;
  FLUME_ASSIGN_OR_RETURN(node.process, Process::start(process));
  restarts_ += node.starts++ > 0 ? 1 : 0;
  return {};
}

Status Rig::wait_up(const std::string& name) const {
  const Wait wait = Wait::for_duration(kStartTime, stop_);
  Status status = flow(name).status();
  while (!status.ok() && !wait.over()) {
    pause(std::chrono::milliseconds(20), stop_);
    status = flow(name).status();
  }
  return status;
}

void Rig::kill(const std::string& name) {
  Node& node = nodes_[name];
  if (node.process && node.process->running()) {
    node.process->kill();
    node.process.reset();
    ++node.kills;
  }
}

Status Rig::terminate(const std::string& name) {
  Node& node = nodes_[name];
  if (!node.process) {
    return {};
  }
  const Status status = node.process->terminate(Wait::for_duration(std::chrono::seconds(20)));
  node.process.reset();
  return status.with_context(name);
}

bool Rig::running(const std::string& name) {
  Node& node = nodes_[name];
  return node.process && node.process->running();
}

Process* Rig::process(const std::string& name) { return nodes_[name].process.get(); }

uint64_t Rig::kills(const std::string& name) const {
  const auto node = nodes_.find(name);
  return node == nodes_.end() ? 0 : node->second.kills;
}

Result<Rig::Flow> Rig::flow(const std::string& name, const std::string& flow_name) const {
  const auto node = nodes_.find(name);
  if (node == nodes_.end() || node->second.page == 0) {
    return Status(Code::kNotFound, str_cat(name, " has no page"));
  }
  // A process that was just started shows its page before it has its flows.
  const Wait start = Wait::for_duration(kStartTime, stop_);
  FLUME_ASSIGN_OR_RETURN(HttpAnswer answer, http_call(node->second.page, "GET", "/api/v1/logical/" + flow_name));
  while (answer.status == kHttpNotFound && !start.over()) {
    wait(std::chrono::milliseconds(10));
    FLUME_ASSIGN_OR_RETURN(answer, http_call(node->second.page, "GET", "/api/v1/logical/" + flow_name));
  }
  if (answer.status != kHttpOk) {
    return Status(Code::kUnavailable,
                  str_cat("ask ", name, " for the ledger of ", flow_name, ": HTTP ", answer.status));
  }
  FLUME_ASSIGN_OR_RETURN(const JsonValue whole, JsonValue::parse(answer.body));
  const JsonValue* inner = whole.find("node");
  const JsonValue& value = inner == nullptr ? whole : *inner;
  const JsonValue* ledger = value.find("ledger");
  if (ledger == nullptr) {
    return Status(Code::kCorrupt,
                  str_cat("ask ", name, " for the ledger of ", flow_name, ": there is none in ", answer.body));
  }
  Flow flow;
  FLUME_ASSIGN_OR_RETURN(flow.state, value.text("state"));
  FLUME_ASSIGN_OR_RETURN(flow.error, value.text_or("error", ""));
  const auto events = [ledger](std::string_view key) -> uint64_t {
    const JsonValue* part = ledger->find(key);
    const auto count = part == nullptr ? Result<int64_t>(int64_t{0}) : part->integer("events");
    return count.ok() ? static_cast<uint64_t>(*count) : 0;
  };
  flow.read = events("read");
  flow.delivered = events("delivered");
  flow.held = events("held");
  flow.in_flight = events("in_flight") + flow.held;
  flow.dropped = events("dropped");
  FLUME_ASSIGN_OR_RETURN(flow.balanced, ledger->boolean("balanced"));
  return flow;
}

Result<uint64_t> Rig::counter(const std::string& name, std::string_view counter) const {
  const auto node = nodes_.find(name);
  if (node == nodes_.end() || node->second.page == 0) {
    return Status(Code::kNotFound, str_cat(name, " has no page"));
  }
  FLUME_ASSIGN_OR_RETURN(const HttpAnswer answer, http_call(node->second.page, "GET", "/metrics"));
  uint64_t sum = 0;
  for (const std::string_view line : split(answer.body, '\n')) {
    const bool is_it = line.starts_with(counter) && line.substr(counter.size()).find_first_of(" {") == 0;
    sum += is_it ? parse_number<uint64_t>(line.substr(line.rfind(' ') + 1)).value_or(0) : 0;
  }
  return sum;
}

Result<Rig::Flow> Rig::flow_at_rest(const std::string& name, const std::string& flow_name) const {
  const Wait wait = Wait::for_duration(kSettleTime, stop_);
  auto found = flow(name, flow_name);
  while (found.ok() && (found->in_flight > 0 || !found->balanced) && !wait.over()) {
    pause(kPollEvery, stop_);
    found = flow(name, flow_name);
  }
  return found;
}

std::optional<uint64_t> Rig::check_ledgers(const std::vector<std::string>& names) {
  uint64_t dropped = 0;
  bool all = true;
  for (const std::string& name : names) {
    all = all && running(name);
    for (const std::string& flow_name : running(name) ? nodes_[name].flows : std::vector<std::string>()) {
      const auto found = flow_at_rest(name, flow_name);
      if (!found.ok()) {
        report_.fail(found.status());
        continue;
      }
      report_.fact(str_cat("ledger of ", flow_name),
                   str_cat(found->read, " read, ", found->delivered, " delivered, ", found->dropped, " dropped, ",
                           found->in_flight, " in flight"));
      if (!found->balanced) {
        report_.fail(str_cat("the ledger of ", flow_name, " does not explain every row"));
      }
      if (found->in_flight > 0) {
        report_.fail(str_cat(flow_name, " still has ", found->in_flight, " rows in flight at rest"));
      }
      dropped += found->dropped;
    }
  }
  return all ? std::optional(dropped) : std::nullopt;
}

// Whatever a flow may lose on its way: its source has to read every line.
void Rig::expect_all_read() {
  const auto agent = nodes_.find("agent");
  const bool is_one_life = agent != nodes_.end() && agent->second.starts == 1 &&
                           agent->second.flows == std::vector<std::string>{"agent"} && running("agent");
  const auto found = is_one_life ? flow("agent") : Result<Flow>(Flow{});
  const uint64_t written = expectation().lines();
  if (is_one_life && found.ok() && found->read < written) {
    report_.fail(str_cat("the agent read only ", found->read, " of ", written, " lines"));
  }
}

void Rig::expect_running() {
  for (auto& [name, node] : nodes_) {
    if (node.process && !node.process->running()) {
      report_.fail(
          str_cat(name, " ended by itself with ", node.process->ending(), "; its log is ", path(name + ".log")));
      node.process.reset();
    }
  }
}

std::string Rig::agent_source() const { return str_cat("tailDir(\"", input(), "\", \".*\\\\.log\")"); }

std::string Rig::agent_sink(uint16_t port) const {
  return str_cat(agent_sink_of(options().mode), "(\"127.0.0.1\", ", port, ")");
}

std::string Rig::collector_sink(std::chrono::milliseconds roll, Ack ack) const {
  return str_cat("collectorSink(\"file://", output(), "\", \"part-\", ", roll.count(),
                 ack == Ack::kCommit ? ", raw, ack=\"commit\")" : ", raw)");
}

void Rig::set_environment(const std::string& name, Pairs environment) {
  nodes_[name].environment = std::move(environment);
}

void Rig::describe_pair(uint16_t agent_sends_to, uint16_t collector_listens_on, Pairs agent_settings,
                        Pairs collector_settings) {
  describe_node("agent", agent_source(), agent_sink(agent_sends_to), std::move(agent_settings));
  describe_node("collector", str_cat("collectorSource(", collector_listens_on, ")"), collector_sink(),
                std::move(collector_settings));
}

GeneratorOptions Rig::generator_options() const {
  GeneratorOptions options;
  options.seed = this->options().seed;
  options.folder = input();
  options.bytes_per_second = 4U << 20;
  return options;
}

Status Rig::prepare(GeneratorOptions options) {
  generator_ =
      std::make_unique<Generator>(std::move(options), [this](const Wait& wait) { return wait_delivered(wait); });
  return generator_->open();
}

Status Rig::generate(GeneratorOptions options) {
  FLUME_RETURN_IF_ERROR(prepare(std::move(options)));
  thread_ = Thread("torture-lines", [this] {
    generated_ = generator_->run(Wait{TimePoint::max(), generating_.token()});
  });
  return {};
}

void Rig::stop_generating() {
  generating_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
    report_.fail(generated_.with_context("generator"));
  }
}

void Rig::expect_extra(std::string name, std::string_view line, uint64_t count) {
  Expectation one;
  one.add_extra(std::move(name), line, count);
  extra_bytes_ += one.bytes;
  extras_.push_back(std::move(one.extras[0]));
}

Expectation Rig::expectation() const {
  Expectation all = generator_->expectation();
  all.extras = extras_;
  all.bytes += extra_bytes_;
  return all;
}

Result<Account> Rig::account() const {
  while (true) {
    // A file may get its final name, or be removed, between the listing and the reading.
    auto account = check_files(output_files(output()), expectation());
    if (account.ok() || account.status().code() != Code::kNotFound || stop_.stop_requested()) {
      return account;
    }
  }
}

// A cheap look before all of the output is read.
bool Rig::may_be_complete(const Expectation& expectation) const {
  return !report_.promise.lossless || size_of(output_files(output())) >= expectation.bytes;
}

Status Rig::wait_delivered(const Wait& wait) const {
  const bool lossless = report_.promise.lossless;
  std::string missing = "no output yet";
  Duration every = kPollEvery;
  do {
    const Expectation wanted = expectation();
    if (may_be_complete(wanted)) {
      FLUME_ASSIGN_OR_RETURN(const Account found, account());
      if (found.ends_missing == 0 && (!lossless || found.lost == 0)) {
        return {};
      }
      missing = found.to_text();
      every = std::min<Duration>(every * 2, std::chrono::seconds(2));  // reading it all is work
    } else {
      missing = str_cat(size_of(output_files(output())), " of ", wanted.bytes, " bytes arrived");
    }
    pause(every, stop_);
  } while (!wait.over() && !stop_.stop_requested());
  return {Code::kTimeout, str_cat("the output is not complete: ", missing)};
}

void Rig::finish(const std::vector<std::string>& order, Duration longest) {
  stop_generating();
  // A last line of each file, so that "the end arrived" means something in modes that may lose.
  for (uint32_t file = 0; file < generator_->options().files; ++file) {
    report_.fail(generator_->write_lines(file, 1));
  }
  if (after_last_lines_) {
    report_.fail(after_last_lines_());
  }
  const TimePoint before = SystemClock().now();
  report_.fail(wait_delivered(Wait::for_duration(longest, stop_)));
  const Duration rest = SystemClock().now() - before;
  report_.fact("milliseconds until the rest had arrived",
               static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(rest).count()));
  expect_running();
  const std::optional<uint64_t> dropped = check_ledgers(order);
  dropped_ = dropped.value_or(0);
  expect_all_read();
  uint64_t kills = 0;
  for (const std::string& name : order) {
    kills += nodes_[name].kills;
    report_.fail(terminate(name));
  }
  auto found = account();
  if (!found.ok()) {
    report_.fail(found.status());
    return;
  }
  report_.account = *found;
  report_.fact("lines written", generator_->lines());
  report_.fact("rotations", generator_->rotations());
  report_.judge();
  if (kills == 0 && restarts_ == 0 && dropped && found->lost > *dropped) {
    report_.fail(str_cat(found->lost, " lines lost, but the ledgers count ", *dropped, " as dropped"));
  }
  (void)replace_file(path("expectation.json"), expectation().to_json());
}

}  // namespace flume::torture
