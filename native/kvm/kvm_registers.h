// SPDX-License-Identifier: BSD-2-Clause
// The contract's register rows out of and into a vCPU, in as few system calls as answer.
#pragma once

#include <span>

#include "kvm/kvm_kick.h"

namespace tsbhyve::kvm {

/// General, segment, control and event registers travel in the synced part of the run page: one KVM_RUN that is told to
/// stop at once moves them all. The rest of a full read is KVM_GET_DEBUGREGS, KVM_GET_XCRS and KVM_GET_MP_STATE.
/// Kernels without KVM_CAP_SYNC_REGS get one call a kind, and so does another thread than the vCPU's.
class Registers {
 public:
  Registers(const Vm& vm, const Vcpu& vcpu, Kick* kick);

  /// What the guest's CPUID decides: without XSAVE it has no XCR0, and the contract's row then reads 3 (x87 and SSE).
  void set_has_xsave(bool has_xsave) { has_xsave_ = has_xsave; }

  /// Rows that are not the kernel's: external_interrupt is left alone, a run_state of Shutdown is the caller's.
  void get(RegisterGroup groups, std::span<std::uint64_t> values);
  void set(RegisterGroup groups, std::span<const std::uint64_t> values);

  /// KVM_MP_STATE_RUNNABLE, _HALTED, or that it waits to be started.
  std::uint32_t mp_state() const;
  /// Asks each KVM_RUN to leave the general registers in the run page.
  void sync_general();
  /// RIP at the last exit; 0 when this kernel has no synced registers.
  std::uint64_t exit_rip() const { return synced_ ? vcpu_.run().s.regs.regs.rip : 0; }

 private:
  kvm_sync_regs& page() { return vcpu_.run().s.regs; }
  bool uses_page() const { return synced_ && !kick_->bound_elsewhere(); }
  void load(std::uint64_t parts);
  void store(std::uint64_t parts);
  void get_pdptes(std::span<std::uint64_t> values);
  void set_pdptes(std::span<const std::uint64_t> values);

  const Vcpu& vcpu_;
  Kick* kick_;
  bool synced_;
  bool has_xsave_ = false;
};

}  // namespace tsbhyve::kvm
