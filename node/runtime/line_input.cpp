#include "node/runtime/line_input.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/text.h"

namespace flume::node {

namespace {

constexpr size_t kChunk = 256 << 10;

BuilderOptions builder_options(const Context& context, uint64_t position) {
  BuilderOptions options;
  options.origin = new_origin(context);
  options.origin.counts_bytes = true;
  options.origin.position = position;
  options.origin.end_position = position;
  options.host = context.identity.host;
  options.limits = context.limits;
  return options;
}

}  // namespace

LineInput::LineInput(Context& context, int fd, std::string what)
    : context_(context),
      fd_(fd),
      what_(std::move(what)),
      cut_lines_(context.metrics.counter("flume_lines_cut_total")),
      tracker_(AckTracker::create(0)),
      builder_(builder_options(context, 0)) {}

Result<Source::Next> LineInput::next(EventBatch& out, const Wait& wait) {
  while (builder_.rows() == 0) {
    if (ended_) {
      return Source::Next::kEnd;
    }
    FLUME_ASSIGN_OR_RETURN(const bool some, ready(wait));
    if (!some) {
      return Source::Next::kNothingYet;
    }
    FLUME_ASSIGN_OR_RETURN(const size_t bytes, read_some());
    const int64_t now = context_.clock.wall_millis();
    const int64_t nanos = context_.clock.monotonic_nanos();
    builder_.commit_lines(bytes, now, nanos);
    const bool too_long = builder_.unfinished_bytes() >= context_.limits.event_bytes;
    if (too_long) {
      cut_lines_.add(1);
    }
    if (builder_.rows() == 0 && (too_long || (ended_ && builder_.unfinished_bytes() > 0))) {
      builder_.finish_line(now, nanos);
    }
  }
  seal(out);
  return Source::Next::kBatch;
}

// True: a read will not wait. The descriptor may be shared with other processes, so it is not made non-blocking.
Result<bool> LineInput::ready(const Wait& wait) const {
  std::array<pollfd, 2> fds{{{fd_, POLLIN, 0}, {wait.stop.fd(), POLLIN, 0}}};
  const int found = poll(fds.data(), fds.size(), wait.poll_millis());
  if (found < 0 && errno != EINTR) {
    return Status::from_errno(errno, str_cat("wait for ", what_));
  }
  return found > 0 && fds[0].revents != 0 && !wait.stop.stop_requested();
}

// Reads one chunk behind what is unfinished. At the end of the input returns 0 and sets ended_.
Result<size_t> LineInput::read_some() {
  const size_t limit = context_.limits.event_bytes;
  const size_t unfinished = builder_.unfinished_bytes();
  const size_t room = std::clamp<size_t>(limit > unfinished ? limit - unfinished : 1, 1, kChunk);
  const std::span<char> space = builder_.space(room);
  const ssize_t got = read(fd_, space.data(), std::min(room, space.size()));
  if (got < 0) {
    if (errno == EINTR || errno == EAGAIN) {
      return size_t{0};
    }
    return Status::from_errno(errno, str_cat("read ", what_));
  }
  if (got == 0) {
    ended_ = true;
    return size_t{0};
  }
  size_t bytes = unify_line_ends(space.first(static_cast<size_t>(got)));
  const size_t skipped = std::min<uint64_t>(skip_, bytes);
  if (skipped > 0) {
    std::memmove(space.data(), space.data() + skipped, bytes - skipped);
    skip_ -= skipped;
    bytes -= skipped;
  }
  return bytes;
}

// Makes \n of \r\n and \r, in place; returns what is left.
size_t LineInput::unify_line_ends(std::span<char> bytes) {
  if (!after_cr_ && std::memchr(bytes.data(), '\r', bytes.size()) == nullptr) {
    return bytes.size();
  }
  saw_cr_ = true;
  size_t out = 0;
  for (const char c : bytes) {
    const bool belongs_to_cr = c == '\n' && after_cr_;
    after_cr_ = c == '\r';
    if (!belongs_to_cr) {
      bytes[out++] = after_cr_ ? '\n' : c;
    }
  }
  return out;
}

void LineInput::seal(EventBatch& out) {
  const EventBatch batch = builder_.seal({});
  out = batch.with_token(tracker_->issue(batch.origin().end_position, batch.rows(), batch.body_bytes()));
}

Status LineInput::rewind() {
  const uint64_t settled = tracker_->settled();
  const auto offset = static_cast<off_t>(saw_cr_ ? 0 : settled);
  if (lseek(fd_, offset, SEEK_SET) < 0) {
    return Status::from_errno(errno, str_cat("go back in ", what_));
  }
  skip_ = saw_cr_ ? settled : 0;
  after_cr_ = false;
  ended_ = false;
  builder_.seek(settled);
  tracker_->rewound();
  return {};
}

}  // namespace flume::node
