#include "common/base/units.h"

#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "common/base/text.h"

namespace flume {

namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};

constexpr std::array<Unit, 7> kTimeUnits{{{"ns", 1},
                                          {"us", 1'000},
                                          {"ms", 1'000'000},
                                          {"s", 1'000'000'000},
                                          {"m", 60'000'000'000},
                                          {"h", 3'600'000'000'000},
                                          {"d", 86'400'000'000'000}}};
constexpr std::array<Unit, 13> kSizeUnits{{{"b", 1},
                                           {"kb", 1'000},
                                           {"mb", 1'000'000},
                                           {"gb", 1'000'000'000},
                                           {"tb", 1'000'000'000'000},
                                           {"kib", 1_KiB},
                                           {"mib", 1_MiB},
                                           {"gib", 1_GiB},
                                           {"tib", 1024_GiB},
                                           {"k", 1_KiB},
                                           {"m", 1_MiB},
                                           {"g", 1_GiB},
                                           {"t", 1024_GiB}}};

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

Result<int64_t> parse_with_units(std::string_view text, std::span<const Unit> units, int64_t bare,
                                 std::string_view expected) {
  const std::string_view all = trim(text);
  const size_t digits = all.find_first_not_of("0123456789.");
  const std::string_view number = all.substr(0, digits);
  const std::string unit = digits == std::string_view::npos ? "" : lower_case(trim(all.substr(digits)));
  int64_t factor = unit.empty() ? bare : 0;
  for (const Unit& known : units) {
    factor = known.name == unit ? known.factor : factor;
  }
  const auto error = [&] { return invalid(str_cat(quoted(text), " is not ", expected)); };
  if (factor == 0) {
    return error();
  }
  if (const auto whole = parse_number<int64_t>(number)) {
    if (*whole > std::numeric_limits<int64_t>::max() / factor) {
      return error();
    }
    return *whole * factor;
  }
  const auto fraction = parse_number<double>(number);
  if (!fraction || *fraction < 0 || *fraction * static_cast<double>(factor) > 9e18) {
    return error();
  }
  return std::llround(*fraction * static_cast<double>(factor));
}

}  // namespace

Result<Duration> parse_duration(std::string_view text, Duration bare_unit) {
  FLUME_ASSIGN_OR_RETURN(const int64_t nanos,
                         parse_with_units(text, kTimeUnits, bare_unit.count(), "a duration such as 250ms, 30s or 5m"));
  return Duration(nanos);
}

Result<int64_t> parse_bytes(std::string_view text) {
  return parse_with_units(text, kSizeUnits, 1, "a size such as 4096, 64KiB or 10MB");
}

std::string format_duration(Duration d) {
  if (d.count() == 0) {
    return "0s";
  }
  const Unit* best = &kTimeUnits[0];
  for (const Unit& unit : kTimeUnits) {
    best = d.count() % unit.factor == 0 ? &unit : best;
  }
  return str_cat(d.count() / best->factor, best->name);
}

std::string format_bytes(int64_t bytes) {
  if (bytes != 0 && bytes % 1_GiB == 0) return str_cat(bytes / 1_GiB, "GiB");
  if (bytes != 0 && bytes % 1_MiB == 0) return str_cat(bytes / 1_MiB, "MiB");
  if (bytes != 0 && bytes % 1_KiB == 0) return str_cat(bytes / 1_KiB, "KiB");
  return str_cat(bytes, "B");
}

}  // namespace flume
