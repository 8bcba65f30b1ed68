#include "common/config/settings.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "common/base/text.h"
#include "common/base/units.h"
#include "common/config/site_file.h"

namespace flume {

namespace {

const SettingSpec* find_spec(std::string_view name) {
  const auto specs = setting_specs();
  const auto found = std::find_if(specs.begin(), specs.end(), [name](const auto& spec) { return spec.name == name; });
  return found == specs.end() ? nullptr : &*found;
}

const SettingSpec& checked_spec(std::string_view name) {
  const SettingSpec* spec = find_spec(name);
  FLUME_CHECK(spec != nullptr, str_cat("no setting is called ", name));
  return *spec;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string home_dir() {
  if (std::string home = environment("HOME"); !home.empty()) {
    return home;
  }
  struct passwd entry {};
  struct passwd* found = nullptr;
  std::vector<char> buffer(16 << 10);
  const int failed = getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found);
  return failed == 0 && found != nullptr ? found->pw_dir : "";
}

std::string user_name() {
  struct passwd entry {};
  struct passwd* found = nullptr;
  std::vector<char> buffer(16 << 10);
  const int failed = getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found);
  return failed == 0 && found != nullptr ? found->pw_name : std::to_string(getuid());
}

// Fills in ${user.name}, ${user.home} and ${state}.
Result<std::string> fill_in(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t start = text.find("${", i);
    out.append(text.substr(i, start - i));
    if (start == std::string_view::npos) {
      break;
    }
    const size_t end = text.find('}', start);
    if (end == std::string_view::npos) {
      return invalid(str_cat(quoted(text), " has a ${ without its }"));
    }
    const std::string_view name = text.substr(start + 2, end - start - 2);
    if (name == "state") {
      out.append(default_state_dir());
    } else if (name == "user.name") {
      out.append(user_name());
    } else if (name == "user.home") {
      out.append(home_dir());
    } else {
      return invalid(str_cat("${", name, "} is not known: there are ${state}, ${user.home} and ${user.name}"));
    }
    i = end + 1;
  }
  return out;
}

std::string range_text(const SettingSpec& spec) {
  const auto show = [&](int64_t n) {
    return spec.type == SettingType::kMillis ? format_duration(std::chrono::milliseconds(n)) : str_cat(n);
  };
  return spec.max == INT64_MAX ? str_cat("at least ", show(spec.min))
                               : str_cat("from ", show(spec.min), " to ", show(spec.max));
}

Result<int64_t> in_range(const SettingSpec& spec, std::string_view text, int64_t value) {
  const int64_t low = spec.min;
  const int64_t high = spec.type == SettingType::kPort ? std::min<int64_t>(spec.max, 65535) : spec.max;
  if (value < low || value > high) {
    SettingSpec shown = spec;
    shown.max = high;
    return invalid(str_cat(quoted(text), " is out of range: ", range_text(shown)));
  }
  return value;
}

// The value as a number (of nanoseconds for kMillis), or the value's check only (kText).
Result<int64_t> parse_value(const SettingSpec& spec, const std::string& text) {
  switch (spec.type) {
    case SettingType::kText: {
      const auto choices = split(spec.one_of, ',');
      if (!spec.one_of.empty() && std::find(choices.begin(), choices.end(), text) == choices.end()) {
        return invalid(str_cat(quoted(text), " is not one of ", spec.one_of));
      }
      return 0;
    }
    case SettingType::kBool:
      if (text != "true" && text != "false") {
        return invalid(str_cat(quoted(text), " is neither true nor false"));
      }
      return text == "true" ? 1 : 0;
    case SettingType::kMillis: {
      FLUME_ASSIGN_OR_RETURN(const Duration value, parse_duration(text));
      FLUME_RETURN_IF_ERROR(in_range(spec, text, value / std::chrono::milliseconds(1)).status());
      return value.count();
    }
    case SettingType::kBytes: {
      FLUME_ASSIGN_OR_RETURN(const int64_t value, parse_bytes(text));
      return in_range(spec, text, value);
    }
    case SettingType::kInteger:
    case SettingType::kPort: {
      const auto value = parse_number<int64_t>(text);
      if (!value) {
        return invalid(str_cat(quoted(text), " is not an integer"));
      }
      return in_range(spec, text, *value);
    }
  }
  return Status(Code::kInternal, "a setting without a type");
}

bool is_classic_only(std::string_view name) {
  const auto names = classic_only_settings();
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string find_conf_dir() {
  if (std::string set = environment("FLUME_CONF_DIR"); !set.empty()) {
    return set;
  }
  const std::string home = environment("FLUME_HOME");
  if (!home.empty() && is_folder(home + "/conf")) {
    return home + "/conf";
  }
  return is_folder("/etc/flume/conf") ? "/etc/flume/conf" : "";
}

std::string default_state_dir() {
  std::string system = "/var/lib/flume";
  const bool can_write = is_folder(system) ? access(system.c_str(), W_OK) == 0 : access("/var/lib", W_OK) == 0;
  if (can_write) {
    return system;
  }
  if (const std::string state = environment("XDG_STATE_HOME"); !state.empty()) {
    return state + "/flume";
  }
  const std::string home = home_dir();
  return home.empty() ? system : home + "/.local/state/flume";
}

Settings Settings::defaults() {
  Settings settings;
  for (const SettingSpec& spec : setting_specs()) {
    const Status status = settings.set(spec.name, spec.default_text, "default");
    FLUME_CHECK(status.ok(), status.message());
  }
  return settings;
}

Status Settings::read_file(const std::string& path, const std::string& name, std::vector<std::string>& warnings,
                           std::vector<std::string>& errors) {
  const auto properties = read_site_file(path);
  if (properties.status().code() == Code::kNotFound) {
    return {};
  }
  FLUME_RETURN_IF_ERROR(properties.status());
  for (const SiteProperty& property : *properties) {
    const std::string place = str_cat(path, ":", property.line, ": ");
    const Status status = set(property.name, property.value, str_cat(name, ":", property.line));
    if (status.code() == Code::kNotFound) {
      warnings.push_back(place + (is_classic_only(property.name)
                                      ? str_cat(property.name, " has no effect in this version")
                                      : std::string(status.message())));
    } else if (!status.ok()) {
      errors.push_back(place + std::string(status.message()));
    }
  }
  return {};
}

Result<Settings> Settings::load(const std::string& conf_dir,
                                std::span<const std::pair<std::string, std::string>> overrides,
                                std::vector<std::string>& warnings) {
  Settings settings = defaults();
  std::vector<std::string> errors;
  if (!conf_dir.empty() && !is_folder(conf_dir)) {
    errors.push_back(str_cat("read settings: ", quoted(conf_dir), " is not a folder"));
  } else if (!conf_dir.empty()) {
    for (const char* name : {"flume-conf.xml", "flume-site.xml"}) {
      const Status status = settings.read_file(conf_dir + "/" + name, name, warnings, errors);
      if (!status.ok()) {
        errors.emplace_back(status.message());
      }
    }
  }
  for (const auto& [name, value] : overrides) {
    const Status status = settings.set(name, value, "-D");
    if (!status.ok()) {
      errors.push_back(str_cat("-D: ", status.message()));
    }
  }
  if (!errors.empty()) {
    return invalid(join(errors, "\n"));
  }
  return settings;
}

Status Settings::set(std::string_view name, std::string_view value, std::string where) {
  const SettingSpec* spec = find_spec(name);
  if (spec == nullptr) {
    std::vector<std::string> names;
    for (const SettingSpec& known : setting_specs()) {
      names.emplace_back(known.name);
    }
    const auto near = nearest_name(name, names);
    return {Code::kNotFound,
            str_cat("no setting is called ", name, near ? str_cat("; did you mean ", *near, "?") : "")};
  }
  Result<std::string> text = fill_in(trim(value));
  Result<int64_t> number = text.ok() ? parse_value(*spec, *text) : Result<int64_t>(text.status());
  if (!number.ok()) {
    // A secret's value must not reach the log.
    return spec->secret ? invalid(str_cat(name, ": the value is not legal")) : number.status().with_context(name);
  }
  values_.insert_or_assign(std::string(name), Value{std::move(*text), *number, std::move(where)});
  return {};
}

const std::string& Settings::text(std::string_view name) const {
  (void)checked_spec(name);
  return values_.find(name)->second.text;
}

int64_t Settings::integer(std::string_view name) const {
  const SettingType type = checked_spec(name).type;
  FLUME_CHECK(type == SettingType::kInteger || type == SettingType::kBytes || type == SettingType::kPort, name);
  return values_.find(name)->second.number;
}

bool Settings::boolean(std::string_view name) const {
  FLUME_CHECK(checked_spec(name).type == SettingType::kBool, name);
  return values_.find(name)->second.number != 0;
}

Duration Settings::millis(std::string_view name) const {
  FLUME_CHECK(checked_spec(name).type == SettingType::kMillis, name);
  return Duration(values_.find(name)->second.number);
}

bool Settings::is_set(std::string_view name) const { return where(name) != "default"; }

std::string Settings::where(std::string_view name) const {
  (void)checked_spec(name);
  return values_.find(name)->second.where;
}

}  // namespace flume
