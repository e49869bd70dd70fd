// SPDX-License-Identifier: BSD-2-Clause
// The bits of CPUID that no table can hold (SDM vol. 2, CPUID).
#include "soft/apic.h"
#include "soft/cpu.h"
#include "soft/system/model.h"

namespace tsbhyve::soft {

namespace {

constexpr u64 apic_enabled = u64{1} << 11;
constexpr u32 ecx_osxsave = 1u << 27, edx_apic = 1u << 9, edx_syscall = 1u << 11;

/// Leaves that ECX selects within; the others ignore it.
bool has_subleaves(u32 leaf) { return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd; }

}  // namespace

CpuidLeaf read_cpuid(const Cpu* cpu, u32 leaf, u32 subleaf) {
  CpuidLeaf answer = cpu->platform->cpuid(leaf, has_subleaves(leaf) ? subleaf : 0);
  const u32 apic_id = cpu->platform->apic_id;
  switch (answer.leaf) {
    case 1:
      answer.ebx = (answer.ebx & 0x00ffffff) | (apic_id << 24);
      answer.ecx = (answer.ecx & ~ecx_osxsave) | (cpu->cr4 & cr4::OSXSAVE ? ecx_osxsave : 0);
      if (!(cpu->apic->base_msr() & apic_enabled)) answer.edx &= ~edx_apic;
      break;
    case 0xb:
      answer.ecx = (answer.ecx & ~0xffu) | (subleaf & 0xff);
      answer.edx = apic_id;
      break;
    case 0x80000001:
      if (!code64(cpu)) answer.edx &= ~edx_syscall;  // Intel offers SYSCALL in 64-bit mode only
      break;
    default: break;
  }
  return answer;
}

}  // namespace tsbhyve::soft
