// SyslogRows: rows from syslog records, for syslogUdp and syslogTcp: one per connection or port. The host is ours, the
// time that of arrival, the body what follows "<PRI>"; facility and severity are attributes of one byte each, as in the
// classic system, and the severity gives the event's priority. What is no syslog record is refused: counted, and logged
// once a minute.
//
// Thread: one at a time (an IO thread, or under its owner's mutex). Counters are the process's.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/event/blob_pool.h"
#include "dataflow-lang/catalog.h"
#include "node/runtime/component.h"

namespace flume::node {

class SyslogRows {
 public:
  // `pool`: shared by the source's connections, most of which are idle.
  SyslogRows(const Context& context, std::shared_ptr<BlobPool> pool);

  // False: the batch is full, seal() first; the record is untouched. `cut`: bytes of it that are lost already.
  bool add(std::string_view record, uint64_t cut, std::string_view peer);
  uint32_t rows() const { return builder_ ? builder_->rows() : 0; }
  EventBatch seal() { return builder_->seal({}); }
  void go_idle();                          // no rows: holds no buffer until the next one
  size_t limit() const { return limit_; }  // of a body

 private:
  Clock& clock_;
  const size_t limit_;
  BuilderOptions options_;
  std::optional<BatchBuilder> builder_;
  Event event_;  // reused: its strings keep their room
  std::string* facility_;
  std::string* severity_;
  Counter& refused_;
  Counter& cut_events_;
  Counter& cut_bytes_;
};

// The arguments and the text that both sources share.
lang::ComponentSpec syslog_spec(const char* name, const char* summary);

}  // namespace flume::node
