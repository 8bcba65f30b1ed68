#include "common/event/format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "common/base/text.h"
#include "common/json/json.h"
#include "common/text/java_text.h"
#include "common/text/local_time.h"

namespace flume {

std::optional<std::string_view> OutputFormat::in_place(const EventBatch& batch) const {
  (void)batch;
  return std::nullopt;
}

void OutputFormat::append(const EventBatch& batch, std::string& out) {
  const auto names = wants_attributes() ? batch.attribute_names() : std::vector<std::string_view>();
  FormatRow row;
  for (uint32_t i = 0; i < batch.rows(); ++i) {
    attributes_.clear();
    for (const std::string_view name : names) {
      if (const auto value = batch.attribute(i, name)) {
        attributes_.emplace_back(name, *value);
      }
    }
    row.timestamp = batch.timestamp(i);
    row.priority = batch.priority(i);
    row.nanos = batch.nanos(i);
    row.host = batch.host(i);
    row.body = batch.body(i);
    row.attributes = attributes_;
    append_row(row, out);
  }
}

void OutputFormat::append(const Event& event, std::string& out) {
  attributes_.assign(event.attributes.begin(), event.attributes.end());
  append_row({event.timestamp, event.priority, event.nanos, event.host, event.body, attributes_}, out);
}

namespace {

class RawFormat final : public OutputFormat {
 public:
  std::string_view name() const override { return "raw"; }
  std::optional<std::string_view> in_place(const EventBatch& batch) const override {
    return batch.blob_is_rows_of("\n") ? std::optional(batch.blob()) : std::nullopt;
  }

 protected:
  void append_row(const FormatRow& row, std::string& out) override {
    out.append(row.body);
    out.push_back('\n');
  }
  bool wants_attributes() const override { return false; }
};

uint64_t big_endian(std::string_view bytes) {
  uint64_t number = 0;
  for (const char c : bytes) {
    number = number << 8 | static_cast<uint8_t>(c);
  }
  return number;
}

// host [PRIORITY date] { attribute : value } body. Values of 1, 4 and 8 bytes are shown as numbers too: attributes
// carry no type.
class DebugFormat final : public OutputFormat {
 public:
  std::string_view name() const override { return "debug"; }

 protected:
  void append_row(const FormatRow& row, std::string& out) override {
    str_append(out, row.host, " [", priority_name(row.priority), " ");
    append_java_date(out, zone_.at(row.timestamp));
    out.append("] ");
    for (const auto& [name, value] : row.attributes) {
      str_append(out, "{ ", name, " : ");
      append_value(out, value);
      out.append(" } ");
    }
    append_java_escaped(out, row.body);
    out.push_back('\n');
  }

 private:
  static void append_value(std::string& out, std::string_view value) {
    if (value.size() == 1) {
      str_append(out, static_cast<int>(static_cast<uint8_t>(value[0])));
    } else if (value.size() == 4) {
      str_append(out, static_cast<int32_t>(big_endian(value)), " '");
      append_utf8(out, value);
      out.push_back('\'');
    } else if (value.size() == 8) {
      const uint64_t bits = big_endian(value);
      str_append(out, "(long)", static_cast<int64_t>(bits), "  (string) '");
      append_utf8(out, value);
      out.append("' (double)");
      append_java_double(out, std::bit_cast<double>(bits));
    } else {
      append_utf8(out, value);
    }
  }

  const TimeZone zone_ = TimeZone::local();
};

// {"body":...,"timestamp":...,"pri":...,"nanos":...,"host":...,"fields":{...}}: the keys of json and avrojson.
class JsonLineFormat : public OutputFormat {
 protected:
  void append_row(const FormatRow& row, std::string& out) final {
    out.append("{\"body\":");
    append_bytes(out, row.body);
    str_append(out, ",\"timestamp\":", row.timestamp, ",\"pri\":\"", priority_name(row.priority),
               "\",\"nanos\":", row.nanos, ",\"host\":");
    append_json_string(out, row.host);
    out.append(",\"fields\":{");
    bool is_first = true;
    for (const auto& [name, value] : row.attributes) {
      out.append(is_first ? "" : ",");
      is_first = false;
      append_json_string(out, name);
      out.push_back(':');
      append_bytes(out, value);
    }
    out.append("}}\n");
  }
  virtual void append_bytes(std::string& out, std::string_view bytes) = 0;
};

class JsonFormat final : public JsonLineFormat {
 public:
  std::string_view name() const override { return "json"; }

 protected:
  void append_bytes(std::string& out, std::string_view bytes) override { append_json_string(out, bytes); }
};

// Each byte is the character of that number, so any bytes survive.
class AvroJsonFormat final : public JsonLineFormat {
 public:
  std::string_view name() const override { return "avrojson"; }

 protected:
  void append_bytes(std::string& out, std::string_view bytes) override { append_json_latin1(out, bytes); }
};

class SyslogFormat final : public OutputFormat {
 public:
  std::string_view name() const override { return "syslog"; }

 protected:
  void append_row(const FormatRow& row, std::string& out) override {
    const LocalTime time = zone_.at(row.timestamp);
    str_append(out, month_name(time).substr(0, 3), " ");
    append_padded(out, time.day, 2);
    out.push_back(' ');
    append_clock(out, time);
    str_append(out, " ", row.host, " ");
    for (const auto& [name, value] : row.attributes) {
      if (name == "service") {
        str_append(out, value, ": ");
      }
    }
    out.append(row.body);
    out.push_back('\n');
  }

 private:
  const TimeZone zone_ = TimeZone::local();
};

class Log4jFormat final : public OutputFormat {
 public:
  std::string_view name() const override { return "log4j"; }

 protected:
  void append_row(const FormatRow& row, std::string& out) override {
    const LocalTime time = zone_.at(row.timestamp);
    append_padded(out, time.year, 4);
    out.push_back('-');
    append_padded(out, time.month, 2);
    out.push_back('-');
    append_padded(out, time.day, 2);
    out.push_back('T');
    append_clock(out, time);
    const int minutes = std::abs(time.utc_offset_seconds) / 60;
    out.append(time.utc_offset_seconds < 0 ? ":-" : ":+");
    append_padded(out, minutes / 60, 2);
    out.push_back(':');
    append_padded(out, minutes % 60, 2);
    str_append(out, " ", priority_name(row.priority), " log4j: ");
    append_java_escaped(out, row.body);
    out.push_back('\n');
  }
  bool wants_attributes() const override { return false; }

 private:
  const TimeZone zone_ = TimeZone::local();
};

template <class T>
std::unique_ptr<OutputFormat> make() {
  return std::make_unique<T>();
}

struct FormatEntry {
  std::string_view name;
  std::unique_ptr<OutputFormat> (*make)();
  size_t max_args;
};

constexpr std::array<FormatEntry, 7> kFormats{{{"avrojson", make<AvroJsonFormat>, 0},
                                               {"debug", make<DebugFormat>, 0},
                                               {"default", make<RawFormat>, 0},
                                               {"json", make<JsonFormat>, 0},
                                               {"log4j", make<Log4jFormat>, 0},
                                               {"raw", make<RawFormat>, 0},
                                               {"syslog", make<SyslogFormat>, 1}}};

}  // namespace

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  names.reserve(kFormats.size());
  for (const FormatEntry& entry : kFormats) {
    names.emplace_back(entry.name);
  }
  return names;
}

Result<std::unique_ptr<OutputFormat>> make_format(std::string_view name, std::span<const std::string> args) {
  const auto entry =
      std::find_if(kFormats.begin(), kFormats.end(), [name](const FormatEntry& e) { return e.name == name; });
  if (entry == kFormats.end()) {
    const auto near = nearest_name(name, format_names());
    return Status(Code::kNotFound, str_cat("no output format is called ", quoted(name),
                                           near ? str_cat("; did you mean ", *near, "?") : ""));
  }
  if (args.size() > entry->max_args) {
    return invalid(str_cat("output format ", name, " takes ",
                           entry->max_args == 0 ? "no arguments" : "at most one argument", ", not ", args.size()));
  }
  // The classic system takes a year for syslog and does not use it; neither do we, but it has to be one.
  if (!args.empty() && !parse_number<int>(args[0])) {
    return invalid(str_cat("output format ", name, ": ", quoted(args[0]), " is not a year"));
  }
  return entry->make();
}

}  // namespace flume
