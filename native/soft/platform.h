// SPDX-License-Identifier: BSD-2-Clause
// What the CPU asks of the machine around it: time and identity. Device accesses go through device_access.h.
#pragma once

#include "soft/types.h"

namespace tsbhyve::soft {

struct Cpu;

struct CpuidLeaf {
  u32 leaf = 0, subleaf = 0;
  u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};

struct Platform {
  u32 apic_id = 0;
  u64 tsc_hz = 1'000'000'000;
  u64 lapic_hz = 1'000'000'000;
  i64 tsc_offset = 0;
  u32 physical_bits = 40;

  virtual ~Platform() = default;
  /// VM time in nanoseconds when `retired` instructions have been retired.
  virtual u64 time_ns(u64 retired) const = 0;
  /// The static row of the CPU model; dynamic bits (APIC id, OSXSAVE, APIC enable) are added by cpuid.cc.
  virtual CpuidLeaf cpuid(u32 leaf, u32 subleaf) const = 0;

  u64 tsc(u64 retired) const {
    const u64 time = time_ns(retired);
    const u64 unmoved =
        tsc_hz == 1'000'000'000 ? time : static_cast<u64>(static_cast<u128>(time) * tsc_hz / 1'000'000'000);
    return unmoved + static_cast<u64>(tsc_offset);
  }
};

}  // namespace tsbhyve::soft
