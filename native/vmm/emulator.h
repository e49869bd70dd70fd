// SPDX-License-Identifier: BSD-2-Clause
// Single instructions that the kernel leaves to us, run by the soft engine's interpreter on the guest's memory:
// accesses to devices in memory, string I/O, task switches.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "soft/soft_engine.h"
#include "vmm/registers.h"

namespace tsbhyve::vmm {

class Emulator {
 public:
  explicit Emulator(GuestRam* ram);

  /// Runs one instruction, or one iteration of a repeated one, from the guest's registers. Returns the device access
  /// that it needs first, or None when it is done. A fault of the instruction is delivered to the guest's handler.
  ExitKind begin(std::span<const std::uint64_t> registers);
  /// Goes on with the answer in slot().
  ExitKind go_on();
  ExitSlot& slot() { return engine_->vcpu(0).slot; }
  /// Registers before and after the instruction that is done.
  std::span<const std::uint64_t> before() const { return before_; }
  std::span<const std::uint64_t> after();

 private:
  ExitKind step();
  void forget_code();

  std::unique_ptr<soft::SoftEngine> engine_;
  GuestRam* ram_;
  std::vector<std::uint64_t> before_, after_;
};

/// Whether an instruction works on x87, MMX or SSE registers, which the kernel does not show.
bool uses_fpu(const struct vm_exit& exit);

}  // namespace tsbhyve::vmm
