// AdminClient: the classic administration calls over one blocking connection, for `flume shell`. Thrift is seen in
// admin_client.cpp only. Not thread-safe. After kUnavailable the connection is closed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"

namespace flume::master {

class AdminClient {
 public:
  struct Command {
    std::string state;  // "QUEUED", "EXECING", "SUCCEEDED", "FAILED"
    std::string message;
    bool is_finished() const { return state == "SUCCEEDED" || state == "FAILED"; }
  };
  struct Node {
    std::string state;  // "ACTIVE"
    int64_t version = 0;
    std::string host;
    std::string physical;
  };
  struct Config {
    std::string flow;
    std::string source;
    std::string sink;
  };

  AdminClient();
  ~AdminClient();
  AdminClient(const AdminClient&) = delete;
  AdminClient& operator=(const AdminClient&) = delete;

  Status connect(const std::string& host, uint16_t port, Duration timeout);
  void close();
  bool is_connected() const;

  // kInvalid: the master refused the call and said why.
  Result<int64_t> submit(const std::string& command, const std::vector<std::string>& args);
  Result<Command> command(int64_t id);
  Result<std::map<std::string, Node>> nodes();
  Result<std::map<std::string, Config>> configs();
  Result<std::map<std::string, std::vector<std::string>>> mappings(const std::string& physical);

 private:
  template <class Call>
  Status guarded(const char* what, Call call);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flume::master
