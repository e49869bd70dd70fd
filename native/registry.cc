// SPDX-License-Identifier: BSD-2-Clause
#include "registry.h"

#include <map>
#include <mutex>
#include <utility>

#include "hostio/event_queue.h"

namespace tsbhyve {

namespace {

struct Registry {
  std::mutex lock;
  std::map<std::uint32_t, std::shared_ptr<EventQueue>> machines;
  std::uint32_t next_id = 1;
};

/// The addon's only process-wide state. Never destroyed: threads may outlive static destruction.
Registry& registry() {
  static auto* instance = new Registry;
  return *instance;
}

}  // namespace

std::uint32_t register_machine(std::shared_ptr<EventQueue> events) {
  const std::lock_guard guard(registry().lock);
  const std::uint32_t id = registry().next_id++;
  registry().machines[id] = std::move(events);
  return id;
}

void forget_machine(std::uint32_t id) {
  const std::lock_guard guard(registry().lock);
  registry().machines.erase(id);
}

bool wake_machine(std::uint32_t id) {
  const std::lock_guard guard(registry().lock);
  const auto found = registry().machines.find(id);
  if (found == registry().machines.end()) return false;
  found->second->wake();
  return true;
}

}  // namespace tsbhyve
