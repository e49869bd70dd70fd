// SPDX-License-Identifier: BSD-2-Clause
// Stores to devices that a vCPU goes on from at once (Engine::add_doorbell).
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <tuple>
#include <utility>

#include "soft/cpu.h"

namespace tsbhyve::soft {

/// The machine's thread changes the list while vCPUs look into it.
class Doorbells {
 public:
  /// Before the first vCPU runs.
  void set_listener(std::function<void(u32 token)> rung) { rung_ = std::move(rung); }

  void add(bool is_port, u64 address, u32 width, u32 token) {
    const std::unique_lock guard(lock_);
    bells_[{is_port, address, width}] = token;
  }
  void remove(u32 token) {
    const std::unique_lock guard(lock_);
    std::erase_if(bells_, [token](const auto& bell) { return bell.second == token; });
  }

  /// Whether the access was a doorbell's, which then has been rung.
  bool ring(const DeviceAccess& access) const {
    if (!access.is_write || (access.kind != AccessKind::Memory && access.kind != AccessKind::Port)) return false;
    const std::shared_lock guard(lock_);
    const auto found = bells_.find({access.kind == AccessKind::Port, access.address, access.width});
    if (found == bells_.end()) return false;
    rung_(found->second);
    return true;
  }

 private:
  mutable std::shared_mutex lock_;
  std::map<std::tuple<bool, u64, u32>, u32> bells_;
  std::function<void(u32)> rung_ = [](u32) {};
};

}  // namespace tsbhyve::soft
