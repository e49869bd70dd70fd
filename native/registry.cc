// SPDX-License-Identifier: BSD-2-Clause
#include "registry.h"

#include <map>
#include <mutex>

#include "engine/engine.h"

namespace tsbhyve {

namespace {

struct Registry {
  std::mutex lock;
  std::map<std::uint32_t, VcpuEngine*> engines;
  std::uint32_t next_id = 1;
};

/// The addon's only process-wide state. Never destroyed: threads may outlive static destruction.
Registry& registry() {
  static auto* instance = new Registry;
  return *instance;
}

}  // namespace

std::uint32_t register_machine() {
  const std::lock_guard guard(registry().lock);
  const std::uint32_t id = registry().next_id++;
  registry().engines[id] = nullptr;
  return id;
}

void set_machine_engine(std::uint32_t id, VcpuEngine* engine) {
  const std::lock_guard guard(registry().lock);
  registry().engines[id] = engine;
}

void forget_machine(std::uint32_t id) {
  const std::lock_guard guard(registry().lock);
  registry().engines.erase(id);
}

bool wake_machine(std::uint32_t id) {
  const std::lock_guard guard(registry().lock);
  const auto found = registry().engines.find(id);
  if (found == registry().engines.end()) return false;
  if (found->second) found->second->wake();
  return true;
}

}  // namespace tsbhyve
