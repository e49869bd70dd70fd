// SPDX-License-Identifier: BSD-2-Clause
// Identity of the processor: CPUID, and which MSRs it has.
#pragma once

#include "soft/cpu.h"
#include "soft/platform.h"

namespace tsbhyve::soft {

/// IA32_ARCH_CAPABILITIES of every model (src/hypervisor/cpu-models): nothing is executed speculatively, so nothing
/// leaks. RDCL_NO, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO,
/// BHI_NO, GDS_NO, RFDS_NO, ITS_NO.
inline constexpr u64 arch_capabilities = (u64{1} << 0) | (1 << 3) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 8) |
                                         (1 << 13) | (1 << 14) | (1 << 15) | (1 << 20) | (1 << 26) | (1 << 27) |
                                         (u64{1} << 62);

/// What CPUID answers, with the bits that depend on the state of the vCPU.
CpuidLeaf read_cpuid(const Cpu* cpu, u32 leaf, u32 subleaf);

/// Whether it can have XSAVE, which the first leaf of its table says. Its components are x87 and SSE then.
inline bool has_xsave(const Cpu* cpu) { return cpu->platform->cpuid(1, 0).ecx >> 26 & 1; }
inline constexpr u64 xcr0_x87 = 1, xcr0_sse = 2;

/// Whether msr_read and msr_write know this number; the machine answers for the others.
bool owns_msr(u32 index);
/// LAPIC registers among the MSRs, which follow the clock.
inline bool is_apic_msr(u32 index) { return (index >= 0x800 && index <= 0x8ff) || index == 0x6e0; }

}  // namespace tsbhyve::soft
