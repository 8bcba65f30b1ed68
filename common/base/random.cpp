#include "common/base/random.h"

#include <sys/random.h>

#include <cstring>

#include "common/base/check.h"

namespace flume {

Id128 random_id() {
  Id128 id{};
  FLUME_CHECK(::getrandom(id.data(), id.size(), 0) == static_cast<ssize_t>(id.size()), "getrandom");
  return id;
}

uint64_t random_seed() {
  uint64_t seed = 0;
  const Id128 id = random_id();
  std::memcpy(&seed, id.data(), sizeof seed);
  return seed;
}

}  // namespace flume
