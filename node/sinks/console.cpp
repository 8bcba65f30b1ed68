// console([format]) — writes events to standard output.
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "common/base/text.h"
#include "common/event/format.h"
#include "node/runtime/formats.h"
#include "node/runtime/registry.h"

namespace flume::node {

namespace {

// What a pipe takes without waiting once poll() says that it takes something. The descriptor is shared with other
// processes, so it is not made non-blocking.
constexpr size_t kPipePiece = 4096;
constexpr size_t kFilePiece = 256 << 10;

class ConsoleSink final : public Sink {
 public:
  explicit ConsoleSink(std::function<std::unique_ptr<OutputFormat>()> format) : make_format_(std::move(format)) {}

  Status open(Context&, const Wait&) override {
    format_ = make_format_();
    struct stat info {};
    piece_ = fstat(STDOUT_FILENO, &info) == 0 && S_ISREG(info.st_mode) ? kFilePiece : kPipePiece;
    written_ = 0;
    return {};
  }

  AppendResult append(const EventBatch& batch, const Wait& wait) override {
    if (Status status = write_out(wait); !status.ok()) {
      return {std::move(status), 0};
    }
    batch_ = batch;
    if (const auto ready = format_->in_place(batch)) {
      out_ = *ready;
    } else {
      buffer_.clear();
      format_->append(batch, buffer_);
      out_ = buffer_;
    }
    written_ = 0;
    const Status status = write_out(wait);
    if (!status.ok() && status.code() != Code::kTimeout && status.code() != Code::kStopped) {
      return {status, batch.rows()};  // the driver takes the batch back
    }
    return {{}, batch.rows()};
  }

  Status flush(const Wait& wait) override { return write_out(wait); }

  std::vector<EventBatch> take_back() override {
    if (batch_.empty()) {
      return {};
    }
    out_ = {};
    return {std::exchange(batch_, {})};
  }

  Status close(const Wait& wait) override { return write_out(wait); }

 private:
  // Writes what is held; OK: all of it is out and settled.
  Status write_out(const Wait& wait) {
    while (written_ < out_.size()) {
      std::array<pollfd, 2> fds{{{STDOUT_FILENO, POLLOUT, 0}, {wait.stop.fd(), POLLIN, 0}}};
      const int found = poll(fds.data(), fds.size(), wait.poll_millis());
      if (found < 0 && errno != EINTR) {
        return Status::from_errno(errno, "write to standard output");
      }
      if (found <= 0 || fds[0].revents == 0) {
        if (wait.stop.stop_requested()) {
          return stopped();
        }
        if (wait.over()) {
          return {Code::kTimeout, "write to standard output: it takes nothing"};
        }
        continue;
      }
      const ssize_t put = write(STDOUT_FILENO, out_.data() + written_, std::min(piece_, out_.size() - written_));
      if (put < 0 && errno != EINTR && errno != EAGAIN) {
        return Status::from_errno(errno, "write to standard output");
      }
      written_ += put > 0 ? static_cast<size_t>(put) : 0;
    }
    if (!batch_.empty()) {
      batch_.settle(Outcome::kDelivered);
      batch_ = {};
    }
    out_ = {};
    return {};
  }

  const std::function<std::unique_ptr<OutputFormat>()> make_format_;
  std::unique_ptr<OutputFormat> format_;
  size_t piece_ = kPipePiece;
  EventBatch batch_;      // taken and not written whole
  std::string buffer_;    // its bytes, unless they lie in the batch
  std::string_view out_;  // into buffer_ or batch_
  size_t written_ = 0;
};

}  // namespace

void register_sink_console(Registry& registry) {
  lang::ComponentSpec spec;
  spec.name = "console";
  spec.summary = "Writes events to standard output.";
  spec.args = {{.name = "format",
                .doc = "How an event becomes bytes.",
                .default_text = "debug",
                .type = lang::ArgType::kFormat}};
  spec.takes_responsibility = true;
  spec.examples = {{"console", "One readable line for each event."}, {"console(raw)", "Bodies only."}};
  registry.add_sink(std::move(spec), [](const lang::Plan& plan, const Build&) -> std::unique_ptr<Sink> {
    return std::make_unique<ConsoleSink>(format_maker(plan.args.function("format")));
  });
}

}  // namespace flume::node
