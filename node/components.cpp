#include "node/components.h"

#include "node/runtime/formats.h"

namespace flume::node {

// components.inc is made by the build from the file names in sources/, sinks/, decorators/ and compose/: one line
// COMPONENT(source, tail) for each file, calling register_source_tail. A file without its function does not link.
#define COMPONENT(kind, file) void register_##kind##_##file(Registry&);
#include "components.inc"
#undef COMPONENT

void register_components(Registry& registry) {
  register_formats(registry);
#define COMPONENT(kind, file) register_##kind##_##file(registry);
#include "components.inc"
#undef COMPONENT
}

}  // namespace flume::node
