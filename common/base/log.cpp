#include "common/base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>

#include "common/base/sync.h"

namespace flume {

namespace {

std::atomic<LogLevel> current_level{LogLevel::kInfo};

struct Target {
  Mutex mutex;
  std::shared_ptr<spdlog::logger> logger FLUME_GUARDED_BY(mutex);
};

Target& target() {
  static auto* const instance = new Target;  // never destroyed: threads may log until the very end
  return *instance;
}

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink) {
  auto logger = std::make_shared<spdlog::logger>("flume", std::move(sink));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  return logger;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarn: return spdlog::level::warn;
    default: return spdlog::level::err;
  }
}

bool needs_quotes(std::string_view value) {
  if (value.empty()) {
    return true;
  }
  for (const char c : value) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\') {
      return true;
    }
  }
  return false;
}

}  // namespace

void set_log_level(LogLevel level) { current_level.store(level, std::memory_order_relaxed); }

bool parse_log_level(std::string_view text, LogLevel& level) {
  constexpr std::string_view kNames[] = {"debug", "info", "warn", "error", "off"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (text == kNames[i]) {
      level = static_cast<LogLevel>(i);
      return true;
    }
  }
  return false;
}

bool log_enabled(LogLevel level) { return level >= current_level.load(std::memory_order_relaxed); }

Status set_log_file(const std::string& path) {
  try {
    auto logger = path.empty() ? make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>())
                               : make_logger(std::make_shared<spdlog::sinks::basic_file_sink_mt>(path));
    const MutexLock lock(target().mutex);
    target().logger = std::move(logger);
    return {};
  } catch (const spdlog::spdlog_ex& error) {
    return {Code::kIo, str_cat("open log file ", quoted(path), ": ", error.what())};
  }
}

void log_line(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  std::string line = quoted(message);
  line = line.substr(1, line.size() - 2);
  for (const LogField& field : fields) {
    str_append(line, " ", field.key, "=", needs_quotes(field.value) ? quoted(field.value) : field.value);
  }
  std::shared_ptr<spdlog::logger> logger;
  {
    const MutexLock lock(target().mutex);
    if (!target().logger) {
      target().logger = make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    }
    logger = target().logger;
  }
  logger->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

bool LogRate::allow(int64_t& held_back) {
  const int64_t now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count();
  int64_t next = next_.load(std::memory_order_relaxed);
  if (now < next || !next_.compare_exchange_strong(next, now + period_millis_, std::memory_order_relaxed)) {
    held_back_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  held_back = held_back_.exchange(0, std::memory_order_relaxed);
  return true;
}

}  // namespace flume
