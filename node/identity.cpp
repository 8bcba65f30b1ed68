#include "node/identity.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/base/text.h"
#include "common/io/posix.h"
#include "common/json/json.h"

namespace flume::node {
namespace {

constexpr size_t kMaxIdentityBytes = 64 << 10;

Status damaged(const std::string& path, std::string_view why) {
  return {Code::kCorrupt,
          str_cat("read ", quoted(path), ": ", why, "; remove the file to let this machine become a new node")};
}

Result<Identity> parse_identity(const std::string& path, const std::string& text) {
  const auto json = JsonValue::parse(text);
  if (!json.ok()) {
    return damaged(path, json.status().message());
  }
  const auto id = json->text("node_id");
  const auto epoch = json->integer("boot_epoch");
  const auto bytes = id.ok() ? from_hex(*id) : std::nullopt;
  Identity identity;
  if (!bytes || bytes->size() != identity.node_id.size()) {
    return damaged(path, "no node_id of 32 hexadecimal digits");
  }
  if (!epoch.ok() || *epoch < 0 || *epoch >= UINT32_MAX) {
    return damaged(path, "no boot_epoch");
  }
  std::copy(bytes->begin(), bytes->end(), identity.node_id.begin());
  identity.boot_epoch = static_cast<uint32_t>(*epoch);
  return identity;
}

Result<UniqueFd> take_lock(const std::string& folder, const std::string& physical_node) {
  const std::string path = folder + "/lock";
  FLUME_ASSIGN_OR_RETURN(UniqueFd lock, open_file(path, O_RDWR | O_CREAT));
  if (::flock(lock.fd(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return Status::from_errno(errno, "lock " + quoted(path));
    }
    return Status(Code::kBusy, str_cat("another process runs the node ", quoted(physical_node), " with the state in ",
                                       quoted(folder), "; give this one another name (-n) or flume.agent.logdir"));
  }
  return lock;
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "localhost";
}

Identity passing_identity(const std::string& physical_node, const std::string& host) {
  return {physical_node, host, random_id(), 1};
}

Result<NodeFolder> open_node_folder(const std::string& state_dir, const std::string& physical_node,
                                    const std::string& host) {
  NodeFolder folder;
  folder.path = str_cat(state_dir, "/", physical_node);
  FLUME_RETURN_IF_ERROR(make_folders(folder.path, 0700));
  FLUME_ASSIGN_OR_RETURN(folder.lock, take_lock(folder.path, physical_node));
  const std::string path = folder.path + "/identity";
  const auto text = read_file(path, kMaxIdentityBytes);
  if (text.ok()) {
    FLUME_ASSIGN_OR_RETURN(folder.identity, parse_identity(path, *text));
  } else if (text.status().code() == Code::kNotFound) {
    folder.identity.node_id = random_id();
  } else {
    return text.status();
  }
  folder.identity.physical_node = physical_node;
  folder.identity.host = host;
  ++folder.identity.boot_epoch;
  JsonValue json;
  json.set("node_id", to_hex(folder.identity.node_id));
  json.set("boot_epoch", folder.identity.boot_epoch);
  FLUME_RETURN_IF_ERROR(replace_file(path, json.to_json() + "\n", 0600));
  return folder;
}

}  // namespace flume::node
