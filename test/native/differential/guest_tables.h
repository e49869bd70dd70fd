// SPDX-License-Identifier: BSD-2-Clause
// The guest's page tables, descriptor tables and exception stubs, which nothing under test can reach.
#pragma once

#include "layout.h"
#include "soft/cpu.h"

namespace tsbhyve::differential {

/// Where they lie, linear and physical alike: out of the way of addresses made of few bits.
inline constexpr u64 system_base = 0x5a'3c60'0000, system_pages = 16;
inline constexpr u64 stub_base = system_base + 15 * page_size;  // HLT for vector n at stub_base + n * stub_stride
inline constexpr u64 stub_stride = 8;
inline constexpr u64 stack_top = system_base + 15 * page_size;

/// Writes all tables into the system area at `host`.
void write_tables(u8* host);

/// Points CR3, GDTR, IDTR, LDTR and TR at them and sets CR0, CR4 and EFER as Linux has them for a process.
void load_system_registers(Cpu& cpu);

/// What a load of `selector` puts into a segment register.
Segment segment_for(u16 selector);

}  // namespace tsbhyve::differential
