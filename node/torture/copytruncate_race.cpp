// Copytruncate has a race of its own: what is written between the copy and the truncation is in no file any more. Here
// a writer goes on while that is done to its file, and what is gone is counted. No reader can promise any of it.
#include <fcntl.h>

#include <filesystem>
#include <system_error>

#include "common/base/text.h"
#include "common/io/posix.h"
#include "node/torture/scenario.h"

namespace flume::torture {
namespace {

constexpr int kTimes = 5;
constexpr auto kBetween = std::chrono::milliseconds(300);
constexpr auto kLongest = std::chrono::seconds(40);

Status copy_and_truncate(const std::string& path, const std::string& copy) {
  std::error_code error;
  std::filesystem::copy_file(path, copy, error);
  if (error) {
    return Status::from_errno(error.value(), str_cat("copy ", quoted(path)));
  }
  FLUME_ASSIGN_OR_RETURN(const UniqueFd fd, open_file(path, O_WRONLY));
  return truncate_file(fd.fd(), 0, path);
}

struct Losses {
  Account files;   // what is left on the disk
  Account output;  // what arrived
};

Result<Losses> measure(Rig& rig) {
  FLUME_ASSIGN_OR_RETURN(const auto ports, rig.free_ports(1));
  rig.describe_pair(ports[0], ports[0]);
  GeneratorOptions lines = rig.generator_options();
  lines.bytes_per_second = 16U << 20;  // enough for some to fall between the two steps
  FLUME_RETURN_IF_ERROR(rig.start("collector"));
  FLUME_RETURN_IF_ERROR(rig.start("agent"));
  FLUME_RETURN_IF_ERROR(rig.generate(lines));
  const std::string path = rig.generator().paths()[0];
  std::vector<std::string> files = {path};
  for (int i = 0; i < kTimes; ++i) {
    rig.wait(kBetween);
    files.push_back(str_cat(path, ".", i + 1));
    FLUME_RETURN_IF_ERROR(copy_and_truncate(path, files.back()));
  }
  rig.stop_generating();
  FLUME_RETURN_IF_ERROR(rig.generator().write_lines(0, 1));
  FLUME_RETURN_IF_ERROR(rig.wait_delivered(Wait::for_duration(kLongest, rig.stop())));
  FLUME_RETURN_IF_ERROR(rig.terminate("agent"));
  FLUME_RETURN_IF_ERROR(rig.terminate("collector"));
  Losses losses;
  FLUME_ASSIGN_OR_RETURN(losses.files, check_files(files, rig.expectation()));
  FLUME_ASSIGN_OR_RETURN(losses.output, rig.account());
  return losses;
}

}  // namespace

void measure_copytruncate_race(Rig& rig) {
  RunReport report;
  report.options = rig.options();
  report.options.folder = rig.path("copytruncate-race");
  report.promise = {.lossless = false, .once = false, .ordered = false};
  for (const char* name : {"/in", "/out"}) {
    rig.report().fail(make_folders(report.options.folder + name));
  }
  Rig inner(report, rig.stop());
  const auto losses = measure(inner);
  if (!losses.ok()) {
    rig.report().fail(losses.status().with_context("copytruncate with a writer that goes on"));
    return;
  }
  rig.report().fact("lines lost in copytruncate's own race", losses->files.lost);
  rig.report().fact("of all that were written meanwhile", losses->files.expected);
  rig.report().fact("lines that did not arrive", losses->output.lost);
  rig.report().fact("lines cut in two by it that arrived", losses->output.damaged);
}

}  // namespace flume::torture
