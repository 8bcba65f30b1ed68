#include "node/net/syslog_rows.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/event/syslog_record.h"

namespace flume::node {

namespace {

BuilderOptions builder_options(const Context& context, std::shared_ptr<BlobPool> pool) {
  BuilderOptions options;
  options.origin = new_origin(context);
  options.host = context.identity.host;
  options.limits = context.limits;
  options.pool = std::move(pool);
  return options;
}

}  // namespace

SyslogRows::SyslogRows(const Context& context, std::shared_ptr<BlobPool> pool)
    : clock_(context.clock),
      limit_(context.limits.event_bytes),
      options_(builder_options(context, std::move(pool))),
      refused_(context.metrics.counter("flume_syslog_refused_total")),
      cut_events_(context.metrics.counter("flume_lines_cut_total")),
      cut_bytes_(context.metrics.counter("flume_cut_bytes_total")) {
  facility_ = &event_.attributes["syslogfacility"];
  severity_ = &event_.attributes["syslogseverity"];
}

bool SyslogRows::add(std::string_view record, uint64_t cut, std::string_view peer) {
  const auto parsed = parse_syslog(record);
  if (!parsed) {
    refused_.add(1);
    FLUME_LOG_EVERY(60'000, kWarn, "a record that is not syslog was refused", kv("peer", peer),
                    kv("record", quoted(record.substr(0, 64))));
    return true;
  }
  const size_t kept = std::min(parsed->body.size(), limit_);
  event_.timestamp = clock_.wall_millis();
  event_.nanos = clock_.monotonic_nanos();
  event_.priority = priority_of_severity(parsed->severity);
  event_.body.assign(parsed->body.substr(0, kept));
  facility_->assign(1, static_cast<char>(parsed->facility));
  severity_->assign(1, static_cast<char>(parsed->severity));
  if (!builder_) {
    builder_.emplace(options_);
  }
  if (!builder_->add(event_)) {
    return false;
  }
  if (const uint64_t lost = cut + parsed->body.size() - kept; lost > 0) {
    cut_events_.add(1);
    cut_bytes_.add(lost);
  }
  return true;
}

void SyslogRows::go_idle() {
  if (builder_ && builder_->rows() == 0) {
    options_.origin.position = builder_->end_position();
    builder_.reset();
  }
}

lang::ComponentSpec syslog_spec(const char* name, const char* summary) {
  lang::ComponentSpec spec;
  spec.name = name;
  spec.summary = summary;
  spec.args = {{.name = "port",
                .doc = "Port to listen on; below 1024 this takes privileges.",
                .default_text = "514",
                .type = lang::ArgType::kPort}};
  return spec;
}

}  // namespace flume::node
