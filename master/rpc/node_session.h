// NodeSession: one connection to the port for nodes. A poll with nothing to tell is parked here, as a few bytes and a
// timer; it is answered by news, by the next poll of the connection (empty), or when its time is over. Classic calls
// (flumeconfig.thrift) are answered at once. What was told once on this connection and not taken, for whatever reason,
// is told again when a parked poll's time is over and not at once: a node that refuses it does not make the two run in
// a circle. The port's thread.
#pragma once

#include <map>
#include <string>

#include "master/nodes/node_table.h"
#include "master/rpc/classic_calls.h"
#include "master/rpc/rpc_port.h"
#include "master/rpc/thrift_call.h"
#include "master/translate/wanted_board.h"
#include "rpc/control_types.h"

namespace flume::master {

class NodeSession final : public RpcSession {
 public:
  struct Parts {
    const WantedBoard& wanted;
    NodeTable& nodes;
    ClassicCalls& classic;
    apache::thrift::TProcessor& classic_processor;  // of `classic`
    std::string store_id;                           // 16 bytes
    Duration longest_wait;
  };
  NodeSession(const Parts& parts, RpcPeer& peer) : parts_(parts), peer_(peer) {}

  Status on_message(std::string_view message) override;
  void on_time() override;
  void on_news() override;

 private:
  Status on_poll(const CallHead& head, rpc::Binary& in);
  void on_get_config(const CallHead& head, rpc::Binary& in);
  // Answers the parked poll if there is something to tell that was not told before; `anyhow`: in any case.
  void answer(bool anyhow);
  void reply(rpc::control::Desired desired);
  bool is_told(const rpc::control::Desired& desired) const;

  const Parts& parts_;
  RpcPeer& peer_;
  std::string physical_;
  CallHead parked_;
  bool has_parked_ = false;
  std::map<std::string, std::string> told_;  // logical node -> what was said of it
};

}  // namespace flume::master
