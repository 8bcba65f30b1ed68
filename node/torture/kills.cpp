#include "node/torture/kills.h"

namespace flume::torture {

uint64_t kills_wanted(const RunOptions& options) {
  return static_cast<uint64_t>(std::chrono::ceil<std::chrono::seconds>(options.time).count());
}

Duration until_next_kill(Rig& rig, uint64_t longest_millis) {
  return std::chrono::milliseconds(rig.below(3) == 0 ? rig.below(150) : 100 + rig.below(longest_millis));
}

bool generate_for_kills(Rig& rig, uint32_t files) {
  GeneratorOptions lines = rig.generator_options();
  lines.files = files;
  lines.bytes_per_second = rig.options().nightly ? 1U << 20 : 4U << 20;  // all of it stays on the disk until the end
  // What may be lost cannot be waited for, so nothing is destroyed that was not read: only renames and copies.
  lines.rotations = {Rotation::kRename, Rotation::kCopyTruncate};
  rig.report().fail(rig.generate(lines));
  return rig.report().passed();
}

}  // namespace flume::torture
