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
  std::string_view one_of = {};  // "a,b,c": the only legal values
};

std::span<const SettingSpec> setting_specs();  // all, in settings_table.cpp, sorted by name
// Names of the classic system that mean nothing here; a file may keep them, with a warning that says so.
std::span<const std::string_view> classic_only_settings();

// Where the settings files are: $FLUME_CONF_DIR, else $FLUME_HOME/conf or /etc/flume/conf if there; "" = none. The
// working directory is never searched: whoever can write there must not configure a daemon.
std::string find_conf_dir();
// Where state is kept unless configured: /var/lib/flume when it is (or can be made) writable, else
// $XDG_STATE_HOME/flume, else ~/.local/state/flume. Never below a temporary directory.
std::string default_state_dir();

class Settings {
 public:
  static Settings defaults();
  // `conf_dir` may be empty (no files); files that are not there are no error, a folder that is not there is. Warnings
  // (unknown names) are appended to `warnings`. The error lists everything that is wrong, one line each.
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

  // Takes the text of one setting. ${user.name}, ${user.home} and ${state} (default_state_dir) in it are filled in.
  // kNotFound: no such setting, with the nearest name; kInvalid: what the value should be.
  Status set(std::string_view name, std::string_view value, std::string where);

 private:
  Status read_file(const std::string& path, const std::string& name, std::vector<std::string>& warnings,
                   std::vector<std::string>& errors);
  struct Value {
    std::string text;
    int64_t number = 0;
    std::string where;
  };
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace flume
