// An agent and a collector in one process: a sink made by name, a receiving source on any free port, each with a world
// of its own.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/text.h"
#include "common/base/units.h"
#include "node/net/receiver.h"
#include "node/runtime/registry.h"
#include "tests/support/batches.h"
#include "tests/support/node_world.h"
#include "tests/support/soon.h"

namespace flume::test {

inline Wait no_wait() { return Wait{TimePoint(), {}}; }

// A sink with arguments (host, port), and for those that are best effort how long rows wait.
inline std::unique_ptr<node::Sink> make_sink(void (*register_sink)(node::Registry&), const std::string& name,
                                             uint16_t port, Duration wait = 30s) {
  node::Registry registry;
  register_sink(registry);
  auto plan = std::make_shared<lang::Plan>();
  plan->kind = lang::Plan::Kind::kSink;
  plan->name = name;
  plan->path = "sink";
  plan->args.set("host", {std::string("127.0.0.1")}, true);
  plan->args.set("port", {int64_t{port}}, true);
  plan->args.set("wait", {wait.count()}, true);
  plan->args.set("compression", {std::string("none")}, true);
  return node::Build(registry).sink(plan);
}

struct Collector {
  explicit Collector(bool truncate = false, uint16_t port = 0) : source(port, truncate) { open(); }
  explicit Collector(Settings settings) : world(std::move(settings)), source(0, false) { open(); }
  ~Collector() { close(); }
  void open() { ASSERT_TRUE(source.open(world.context, soon()).ok()); }
  void close() { EXPECT_TRUE(source.close(soon()).ok()); }
  uint16_t port() const { return static_cast<uint16_t>(world.metric("flume_listen_port")); }
  // Rows until there are so many; the batches are settled unless they are kept.
  std::vector<Event> take(size_t rows, std::vector<EventBatch>* keep = nullptr) {
    std::vector<Event> all;
    const Wait wait = soon();
    while (all.size() < rows && !wait.over()) {
      EventBatch batch;
      const auto next = source.next(batch, wait);
      EXPECT_TRUE(next.ok());
      if (!batch.empty()) {
        const auto events = support::events_of(batch.uncompressed({}).value());
        all.insert(all.end(), events.begin(), events.end());
      }
      if (keep != nullptr) {
        keep->push_back(batch);
      } else {
        batch.settle(Outcome::kDelivered);
      }
    }
    return all;
  }

  NodeWorld world;
  node::ReceiverSource source;
};

// A server that says one thing and then nothing; with no word it stands for a host that swallows everything.
class OneWord final : public node::StreamHandler {
 public:
  OneWord(const std::shared_ptr<node::StreamPeer>& peer, std::string word) {
    if (!word.empty()) {
      peer->send(std::move(word));
    }
  }
  Verdict on_bytes(std::span<const char> bytes, size_t& used) override {
    used = bytes.size();
    return Verdict::kMore;
  }
};

struct Impostor {
  explicit Impostor(const std::string& word) {
    listener = std::move(world.net.listen_stream(0, [word](const std::shared_ptr<node::StreamPeer>& peer) {
                 return std::make_unique<OneWord>(peer, word);
               })).value();
  }
  uint16_t port() const { return listener->port(); }

  NodeWorld world;
  std::unique_ptr<node::Listener> listener;
};

// A connection as a handler sees it.
class FakePeer final : public node::StreamPeer {
 public:
  void send(std::string bytes) override { sent += bytes; }
  void wake() override { ++wakes; }
  const std::string& address() const override { return address_; }
  size_t unsent() const override { return 0; }

  std::string sent;
  std::atomic<int> wakes{0};

 private:
  const std::string address_ = "10.0.0.7:51324";
};

// Feeds bytes as a connection would: pieces of at most so many bytes, directly where the handler wants it.
inline node::StreamHandler::Verdict feed_handler(node::StreamHandler& handler, std::string_view bytes, size_t piece) {
  using Verdict = node::StreamHandler::Verdict;
  std::string rest;
  while (!bytes.empty()) {
    if (const std::span<char> direct = handler.direct(); !direct.empty()) {
      const size_t n = std::min({piece, bytes.size(), direct.size()});
      std::copy_n(bytes.data(), n, direct.data());
      bytes.remove_prefix(n);
      if (const Verdict verdict = handler.on_direct(n); verdict != Verdict::kMore) {
        return verdict;
      }
      continue;
    }
    const size_t n = std::min(piece, bytes.size());
    rest.append(bytes.substr(0, n));
    bytes.remove_prefix(n);
    for (size_t used = 1; used > 0 && !rest.empty();) {
      used = 0;
      const Verdict verdict = handler.on_bytes({rest.data(), rest.size()}, used);
      rest.erase(0, used);
      if (verdict != Verdict::kMore) {
        return verdict;
      }
    }
  }
  return Verdict::kMore;
}

}  // namespace flume::test
