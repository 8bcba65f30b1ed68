// Status and Result<T>: how everything that can fail says so. No exception crosses a module's header.
//
// A Status is OK (one null pointer, no allocation) or carries a code, an errno (0 if none) and a message of the form
// "what was tried, on what: what happened". Each layer may prepend one clause with with_context(). Value type.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "common/base/check.h"

namespace flume {

// What the caller may do about it; kind() is the only place that knows which code is of which kind.
enum class Code : uint8_t {
  kOk,
  // Temporary: the same call may succeed later without anybody changing the configuration.
  kUnavailable,  // peer unreachable, connection lost, file not there yet
  kTimeout,      // the deadline of the call passed
  kBusy,         // try later: address in use, lock held, queue full
  kNoSpace,      // ENOSPC, EDQUOT, EROFS, EMFILE, ENFILE, ENOMEM
  // Permanent: somebody has to change something first.
  kInvalid,  // bad input, bad argument
  kNotFound,
  kExists,
  kPermission,
  kIo,       // the errno is kept; the file in question is dead
  kCorrupt,  // bytes fail their checks: set aside, never deleted
  kUnsupported,
  kConflict,  // compare-and-set lost; the key is named in the message
  kGone,      // history asked for was compacted away: list again
  kUnknown,   // the outcome of the call is not known: read again before a retry
  kInternal,
  // Closed: leave quietly.
  kStopped,
};

enum class Kind : uint8_t { kOk, kTemporary, kPermanent, kClosed };

std::string_view code_name(Code code);  // "unavailable", "no_space", ...: stable words for logs, JSON and metrics

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK
  Status(Code code, std::string message, int os_error = 0);
  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;
  ~Status() = default;

  // The status for a failed system call: maps errno to a code and appends its text and name:
  // from_errno(ENOSPC, "append to \"a\"") -> kNoSpace "append to "a": no space left on device (ENOSPC)".
  static Status from_errno(int os_error, std::string_view what);

  bool ok() const { return rep_ == nullptr; }
  Code code() const { return rep_ ? rep_->code : Code::kOk; }
  Kind kind() const;
  bool is_temporary() const { return kind() == Kind::kTemporary; }
  // The end of the call was asked for or reached: no failure of whoever was called.
  bool ran_out_of_time() const { return code() == Code::kTimeout || code() == Code::kStopped; }
  int os_error() const { return rep_ ? rep_->os_error : 0; }
  std::string_view message() const { return rep_ ? std::string_view(rep_->message) : std::string_view(); }

  // "clause: message"; an OK status stays OK.
  Status with_context(std::string_view clause) const;

  std::string to_string() const;  // "ok" or "code: message"

 private:
  struct Rep {
    Code code;
    int os_error;
    std::string message;
  };
  std::unique_ptr<Rep> rep_;
};

inline Status invalid(std::string message) { return {Code::kInvalid, std::move(message)}; }
inline Status unavailable(std::string message) { return {Code::kUnavailable, std::move(message)}; }
inline Status stopped() { return {Code::kStopped, "stopped"}; }

// A value or the reason why there is none. value() on an error is a broken invariant (aborts).
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}        // NOLINT: implicit on purpose
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {  // NOLINT: implicit on purpose
    FLUME_CHECK(!std::get<1>(state_).ok(), "a Result needs a value or an error");
  }

  bool ok() const { return state_.index() == 0; }
  Status status() const { return ok() ? Status() : std::get<1>(state_); }
  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &value(); }

 private:
  T& checked() {
    FLUME_CHECK(ok(), std::get<1>(state_).message());
    return std::get<0>(state_);
  }
  std::variant<T, Status> state_;
};

#define FLUME_CONCAT_INNER(a, b) a##b
#define FLUME_CONCAT(a, b) FLUME_CONCAT_INNER(a, b)

// Leaves the function with the status unless it is OK.
#define FLUME_RETURN_IF_ERROR(expression)                                                     \
  do {                                                                                        \
    if (::flume::Status flume_status = (expression); !flume_status.ok()) return flume_status; \
  } while (false)

// FLUME_ASSIGN_OR_RETURN(auto file, open(path)): the value, or leave with the status.
#define FLUME_ASSIGN_OR_RETURN(target, expression) \
  FLUME_ASSIGN_OR_RETURN_INNER(FLUME_CONCAT(flume_result_, __LINE__), target, expression)
#define FLUME_ASSIGN_OR_RETURN_INNER(result, target, expression) \
  auto result = (expression);                                    \
  if (!result.ok()) return result.status();                      \
  target = std::move(result).value()

}  // namespace flume
