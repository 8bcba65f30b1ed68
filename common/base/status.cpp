#include "common/base/status.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace flume {

void check_failed(const char* file, int line, const char* condition, std::string_view detail) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s: %.*s\n", file, line, condition, static_cast<int>(detail.size()),
               detail.data());
  std::abort();
}

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kOk: return "ok";
    case Code::kUnavailable: return "unavailable";
    case Code::kTimeout: return "timeout";
    case Code::kBusy: return "busy";
    case Code::kNoSpace: return "no_space";
    case Code::kInvalid: return "invalid";
    case Code::kNotFound: return "not_found";
    case Code::kExists: return "exists";
    case Code::kPermission: return "permission";
    case Code::kIo: return "io";
    case Code::kCorrupt: return "corrupt";
    case Code::kUnsupported: return "unsupported";
    case Code::kConflict: return "conflict";
    case Code::kGone: return "gone";
    case Code::kUnknown: return "unknown";
    case Code::kInternal: return "internal";
    case Code::kStopped: return "stopped";
  }
  return "internal";
}

Status::Status(Code code, std::string message, int os_error) {
  if (code != Code::kOk) {
    rep_ = std::make_unique<Rep>(Rep{code, os_error, std::move(message)});
  }
}

Status::Status(const Status& other) : rep_(other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr) {}

Status& Status::operator=(const Status& other) {
  if (this != &other) {
    rep_ = other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr;
  }
  return *this;
}

Kind Status::kind() const {
  switch (code()) {
    case Code::kOk: return Kind::kOk;
    case Code::kUnavailable:
    case Code::kTimeout:
    case Code::kBusy:
    case Code::kNoSpace: return Kind::kTemporary;
    case Code::kStopped: return Kind::kClosed;
    default: return Kind::kPermanent;
  }
}

namespace {

Code code_of_errno(int os_error) {
  switch (os_error) {
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EFBIG: return Code::kNoSpace;
    case EADDRINUSE:
    case EBUSY:
    case EAGAIN: return Code::kBusy;
    case ETIMEDOUT: return Code::kTimeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case ENOTCONN: return Code::kUnavailable;
    case ENOENT: return Code::kNotFound;
    case EEXIST: return Code::kExists;
    case EACCES:
    case EPERM: return Code::kPermission;
    case EINVAL:
    case ENAMETOOLONG:
    case EISDIR:
    case ENOTDIR: return Code::kInvalid;
    default: return Code::kIo;
  }
}

}  // namespace

Status Status::from_errno(int os_error, std::string_view what) {
  std::string message(what);
  message += ": ";
  const char* text = strerrordesc_np(os_error);
  message += text != nullptr ? text : "unknown error";
  if (const char* name = strerrorname_np(os_error); name != nullptr) {
    message.append(" (").append(name).append(")");
  }
  return {code_of_errno(os_error), std::move(message), os_error};
}

Status Status::with_context(std::string_view clause) const {
  if (ok()) {
    return {};
  }
  std::string message(clause);
  message.append(": ").append(rep_->message);
  return {rep_->code, std::move(message), rep_->os_error};
}

std::string Status::to_string() const {
  if (ok()) {
    return "ok";
  }
  std::string text(code_name(rep_->code));
  return text.append(": ").append(rep_->message);
}

}  // namespace flume
