// MemoryStore: a ConfigStore that ends with the process. For tests and trials (flume.master.store=memory). Thread-safe.
#pragma once

#include "master/store/local_store.h"

namespace flume::master {

class MemoryStore final : public LocalStore {
 public:
  explicit MemoryStore(Id128 store_id) : LocalStore(store_id, StoreState()) {}

 private:
  Status persist(std::span<const Change> /*changes*/, Revision /*at*/) override { return {}; }
};

}  // namespace flume::master
