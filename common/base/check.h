// FLUME_CHECK: an invariant of our own code. Stays on in release, prints what broke, aborts.
// Bytes from network or disk are input, not invariants: they get a Status.
#pragma once

#include <string_view>

namespace flume {

[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view detail);

}  // namespace flume

#define FLUME_CHECK(condition, detail)               \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::flume::check_failed(__FILE__, __LINE__, #condition, (detail)))
