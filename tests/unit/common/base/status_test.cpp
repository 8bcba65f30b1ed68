#include "common/base/status.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace flume {
namespace {

TEST(Status, AnErrnoBecomesAKindAndAText) {
  const Status full = Status::from_errno(ENOSPC, "append to \"a\"");
  EXPECT_EQ(full.message(), "append to \"a\": No space left on device (ENOSPC)");
  EXPECT_TRUE(full.is_temporary());
  EXPECT_EQ(full.os_error(), ENOSPC);
  EXPECT_EQ(Status::from_errno(EIO, "x").kind(), Kind::kPermanent);
}

TEST(Status, ContextIsPrependedAndKeepsTheCode) {
  const Status status = unavailable("no route").with_context("connect to c:35853");
  EXPECT_EQ(status.to_string(), "unavailable: connect to c:35853: no route");
  EXPECT_TRUE(Status().with_context("x").ok());
}

Result<int> half(int n) { return n % 2 == 0 ? Result<int>(n / 2) : Result<int>(invalid("odd")); }

Result<int> quarter(int n) {
  FLUME_ASSIGN_OR_RETURN(const int once, half(n));
  return half(once);
}

TEST(Result, CarriesAValueOrTheReason) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).status().message(), "odd");
}

}  // namespace
}  // namespace flume
