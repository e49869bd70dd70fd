// SPDX-License-Identifier: BSD-2-Clause
// State that the kernel gives out and takes back as it is (VM_SNAPSHOT_REQ), where it was built for that.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "vmm/vm.h"

namespace tsbhyve::vmm {

class SavedState {
 public:
  explicit SavedState(Vm& vm);

  /// Whether this kernel was built with BHYVE_SNAPSHOT.
  bool supported() const { return supported_; }
  /// Names what cannot be saved here, and what to do about it; empty when all can.
  std::string missing() const;
  /// Of a part of the VM; throws EngineError. No vCPU may run.
  std::vector<std::uint8_t> save(snapshot_req part) const;
  void load(snapshot_req part, std::span<const std::uint8_t> bytes);

  /// The parts of all vCPUs in one, with the kernel's version: its layouts are no format.
  std::vector<std::uint8_t> save_vcpus() const;
  void load_vcpus(std::span<const std::uint8_t> bytes);

  /// What was loaded counts from now on.
  void let_time_run();

 private:
  std::vector<std::uint8_t> save_pm_timer() const;
  void load_pm_timer();
  bool request(snapshot_req part, vm_snapshot_op op, std::vector<std::uint8_t>& buffer, std::size_t& used) const;
  static std::uint32_t pm_timer_ticks(std::int64_t start);

  Vm& vm_;
  bool supported_ = false;
  bool loaded_ = false;
  bool has_pm_timer_ = false;
  std::uint32_t pm_timer_ = 0;  // what it is to show when time runs
};

}  // namespace tsbhyve::vmm
