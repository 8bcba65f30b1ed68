// Process settings: each declared once, with name, text, unit, range and default; read once at start from built-in
// defaults, then flume-site.xml / flume-conf.xml in FLUME_CONF_DIR, then -D name=value (which wins). The classic
// property names are kept. An unknown name in a file is a warning with the nearest name; a value that does not parse is
// an error with file:line, never replaced by a default. Immutable after load: a const Settings is shared freely.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"

namespace flume {

enum class SettingType : uint8_t { kText, kInteger, kBool, kMillis, kBytes, kPort };

struct SettingSpec {
  std::string_view name;
  SettingType type;
  std::string_view default_text;
  std::string_view doc;
  int64_t min = 0;
  int64_t max = INT64_MAX;
  bool secret = false;
};

std::span<const SettingSpec> setting_specs();  // all, in settings_table.cpp, sorted by name

class Settings {
 public:
  static Settings defaults();
  // `conf_dir` may be empty (no files). Warnings (unknown names) are appended to `warnings`.
  static Result<Settings> load(const std::string& conf_dir,
                               std::span<const std::pair<std::string, std::string>> overrides,
                               std::vector<std::string>& warnings);

  // Asking for an undeclared name or with the wrong type is a broken invariant.
  const std::string& text(std::string_view name) const;
  int64_t integer(std::string_view name) const;  // kInteger, kBytes, kPort
  bool boolean(std::string_view name) const;
  Duration millis(std::string_view name) const;
  bool is_set(std::string_view name) const;        // not the built-in default
  std::string where(std::string_view name) const;  // "default", "flume-site.xml:12", "-D"

  Status set(std::string_view name, std::string_view value, std::string where);

 private:
  struct Value {
    std::string text;
    int64_t number = 0;
    std::string where;
  };
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace flume
