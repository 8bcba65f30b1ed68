#include "node/torture/report.h"

#include <array>
#include <cmath>
#include <optional>

#include "common/base/text.h"
#include "common/json/json.h"

namespace flume::torture {
namespace {

struct ModeNames {
  std::string_view name;
  std::string_view sink;
};
constexpr std::array<ModeNames, 3> kNames = {{{"e2e", "agentE2ESink"}, {"dfo", "agentDFOSink"}, {"be", "agentBESink"}}};

std::string tenths(double seconds) {
  const auto n = std::llround(seconds * 10);
  return str_cat(n / 10, ".", n % 10);
}

}  // namespace

std::string_view name_of(Mode mode) { return kNames[static_cast<size_t>(mode)].name; }
std::string_view agent_sink_of(Mode mode) { return kNames[static_cast<size_t>(mode)].sink; }

std::optional<Mode> mode_named(std::string_view name) {
  for (const Mode mode : kModes) {
    if (name_of(mode) == name) {
      return mode;
    }
  }
  return std::nullopt;
}

std::vector<std::string> Promise::broken_by(const Account& account) const {
  std::vector<std::string> broken;
  const auto check = [&broken](bool promised, uint64_t count, std::string_view what) {
    if (promised && count > 0) {
      broken.push_back(str_cat(count, " lines ", what));
    }
  };
  check(lossless, account.lost, "lost");
  check(once, account.duplicated, "duplicated");
  check(ordered, account.reordered, "reordered");
  check(true, account.damaged, "damaged");
  check(true, account.foreign, "foreign");
  check(true, account.ends_missing, "missing that were the last of their source");
  if (account.rewinds > most_rewinds) {
    broken.push_back(str_cat(account.rewinds, " times back to an earlier line, at most ", most_rewinds, " allowed"));
  }
  return broken;
}

std::string Promise::to_text() const {
  std::string out = "0 damaged, 0 foreign";
  str_append(out, lossless ? ", 0 lost" : "", once ? ", 0 duplicated" : "", ordered ? ", order kept" : "");
  if (most_rewinds != UINT64_MAX) {
    str_append(out, ", at most ", most_rewinds, " times back to an earlier line");
  }
  return out;
}

void RunReport::judge() {
  for (std::string& what : promise.broken_by(account)) {
    failures.push_back(std::move(what));
  }
}

std::string RunReport::command() const {
  return str_cat("flume torture run ", options.scenario, " --mode ", name_of(options.mode), " --seed ", options.seed,
                 " --seconds ", tenths(std::chrono::duration<double>(options.time).count()),
                 options.nightly ? " --nightly" : "");
}

std::string RunReport::to_text() const {
  std::string out = str_cat(passed() ? "PASSED" : "FAILED", " ", options.scenario, " (", name_of(options.mode),
                            "), seed ", options.seed, ", ", tenths(seconds), " s\n  promised: ", promise.to_text(),
                            "\n  account: ", account.to_text());
  for (const auto& [name, value] : facts) {
    str_append(out, "  ", name, ": ", value, "\n");
  }
  for (const std::string& why : failures) {
    str_append(out, "  FAILED: ", why, "\n");
  }
  if (!passed()) {
    str_append(out, "  again: ", command(), "\n  kept: ", options.folder, "\n");
  }
  return out;
}

std::string RunReport::to_json() const {
  JsonWriter out;
  out.begin_object()
      .member("scenario", options.scenario)
      .member("mode", name_of(options.mode))
      .member("seed", options.seed)
      .member("passed", passed())
      .member("seconds", seconds)
      .member("promise", promise.to_text())
      .member("command", command());
  const std::string accounted = account.to_json();
  out.key("account").raw(trim(accounted)).key("facts").begin_object();
  for (const auto& [name, value] : facts) {
    out.member(name, value);
  }
  out.end_object().key("failures").begin_array();
  for (const std::string& why : failures) {
    out.value(why);
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

std::string to_markdown(const std::vector<RunReport>& runs) {
  std::string out =
      "| scenario | mode | result | s | lines expected | lost | duplicated | reordered | damaged | foreign | promised "
      "|\n"
      "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---|\n";
  for (const RunReport& run : runs) {
    const Account& account = run.account;
    str_append(out, "| ", run.options.scenario, " | ", name_of(run.options.mode), " | ",
               run.passed() ? "passed" : "**failed**", " | ", tenths(run.seconds), " | ", account.expected, " | ",
               account.lost, " | ", account.duplicated, " | ", account.reordered, " | ", account.damaged, " | ",
               account.foreign, " | ", run.promise.to_text(), " |\n");
  }
  for (const RunReport& run : runs) {
    str_append(out, "\n`", run.command(), "`\n\n");
    for (const auto& [name, value] : run.facts) {
      str_append(out, "* ", name, ": ", value, "\n");
    }
    for (const std::string& why : run.failures) {
      str_append(out, "* **failed**: ", why, "\n");
    }
  }
  return out;
}

}  // namespace flume::torture
