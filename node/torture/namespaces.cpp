#include "node/torture/namespaces.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "common/base/text.h"
#include "common/io/posix.h"

namespace flume::torture {
namespace {

Status write_to(const std::string& path, const std::string& text) {
  FLUME_ASSIGN_OR_RETURN(const UniqueFd fd, open_file(path, O_WRONLY));
  return write_all(fd.fd(), text, path);
}

Status own(int kind, const char* what) {
  if (::unshare(kind) == 0) {
    return {};
  }
  const auto user = ::getuid();
  const auto group = ::getgid();
  if (::unshare(CLONE_NEWUSER | kind) != 0) {
    return Status::from_errno(errno, str_cat("get ", what, " of one's own"));
  }
  (void)write_to("/proc/self/setgroups", "deny");
  FLUME_RETURN_IF_ERROR(write_to("/proc/self/uid_map", str_cat("0 ", user, " 1")));
  return write_to("/proc/self/gid_map", str_cat("0 ", group, " 1"));
}

}  // namespace

Status own_mounts() {
  FLUME_RETURN_IF_ERROR(own(CLONE_NEWNS, "a mount table"));
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0
             ? Status()
             : Status::from_errno(errno, "make mounts one's own");
}

Status own_network() {
  FLUME_RETURN_IF_ERROR(own(CLONE_NEWNET, "a network"));
  return set_loopback(true);
}

Status set_loopback(bool up) {
  const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback{};
  std::memcpy(loopback.ifr_name, "lo", sizeof "lo");
  if (!any.is_open() || ::ioctl(any.fd(), SIOCGIFFLAGS, &loopback) != 0) {
    return Status::from_errno(errno, "look at the loopback interface");
  }
  const auto flags = static_cast<unsigned>(loopback.ifr_flags);
  loopback.ifr_flags = static_cast<short>(up ? flags | IFF_UP : flags & ~static_cast<unsigned>(IFF_UP));
  return ::ioctl(any.fd(), SIOCSIFFLAGS, &loopback) == 0
             ? Status()
             : Status::from_errno(errno, str_cat("take the loopback interface ", up ? "up" : "down"));
}

}  // namespace flume::torture
