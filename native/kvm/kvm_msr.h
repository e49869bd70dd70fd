// SPDX-License-Identifier: BSD-2-Clause
// Model-specific registers: the kernel's list, read and written in bulk.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

using MsrValue = std::pair<std::uint32_t, std::uint64_t>;

inline constexpr std::uint32_t msr_tsc = 0x10, msr_apic_base = 0x1b, msr_tsc_adjust = 0x3b, msr_tsc_deadline = 0x6e0;

std::uint64_t read_msr(const Vcpu& vcpu, std::uint32_t index);
/// Several in one call: `values` is as long as `indexes`.
void read_msrs(const Vcpu& vcpu, std::span<const std::uint32_t> indexes, std::span<std::uint64_t> values);
void write_msr(const Vcpu& vcpu, std::uint32_t index, std::uint64_t value);

struct SavedMsr {
  std::uint32_t index;
  bool common;  // part of every CPU model of ours, whichever engine runs it
  std::uint64_t power_on;
};

/// MSRs that a new vCPU has and takes back, without those that other parts of the state hold. After KVM_SET_CPUID2.
std::vector<SavedMsr> saved_msrs(const Vm& vm, const Vcpu& vcpu);

/// The common ones, and of the rest those that no longer have their power-on value: another engine need not know what
/// the guest never touched.
std::vector<MsrValue> read_msrs(const Vcpu& vcpu, const std::vector<SavedMsr>& saved);
/// Throws std::invalid_argument naming the first MSR and value that the kernel refuses.
void write_msrs(const Vcpu& vcpu, const std::vector<MsrValue>& values);

}  // namespace tsbhyve::kvm
