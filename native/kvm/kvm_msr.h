// SPDX-License-Identifier: BSD-2-Clause
// Model-specific registers: the kernel's list, read and written in bulk.
#pragma once

#include <utility>
#include <vector>

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

using MsrValue = std::pair<std::uint32_t, std::uint64_t>;

inline constexpr std::uint32_t msr_tsc = 0x10, msr_apic_base = 0x1b, msr_tsc_deadline = 0x6e0;

std::uint64_t read_msr(const Vcpu& vcpu, std::uint32_t index);
void write_msr(const Vcpu& vcpu, std::uint32_t index, std::uint64_t value);

/// MSRs that this vCPU has and takes back, without those that other parts of the state hold. After KVM_SET_CPUID2.
std::vector<std::uint32_t> saved_msrs(const Vm& vm, const Vcpu& vcpu);

std::vector<MsrValue> read_msrs(const Vcpu& vcpu, const std::vector<std::uint32_t>& indexes);
/// Throws std::invalid_argument naming the first MSR and value that the kernel refuses.
void write_msrs(const Vcpu& vcpu, const std::vector<MsrValue>& values);

}  // namespace tsbhyve::kvm
