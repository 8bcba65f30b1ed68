// The program's version, as CMakeLists.txt says it: shown by `flume version`, in hellos, reports and status pages.
#pragma once

#include <string_view>

namespace flume {

inline constexpr std::string_view kVersion = FLUME_VERSION;

}  // namespace flume
