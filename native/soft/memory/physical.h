// SPDX-License-Identifier: BSD-2-Clause
// The processor's own accesses to physical memory: paging structures.
#pragma once

#include "soft/cpu.h"

namespace tsbhyve::soft {

/// Little-endian value of `size` (4 or 8) bytes at a physical address aligned to it. All ones outside RAM and ROM.
u64 read_physical(Cpu* cpu, u64 physical, u32 size);

/// Whether a write would change code of the block that is running.
bool hits_running_block(const Cpu* cpu, u64 physical, u64 size);

/// Bytes of RAM page number `page` were stored: blocks made of them go, and the dirty log learns of it.
void note_write(Cpu* cpu, u64 page, u8 attention, u64 physical, u64 size);

/// Sets `bits` in the value that was `seen`, atomically towards the other vCPUs; false when memory holds something else
/// by now. Outside RAM, and in ROM, the write is dropped and counts as done. The
/// instruction runs again alone when it changes its own block by this.
bool set_bits_physical(Cpu* cpu, u64 physical, u32 size, u64 seen, u64 bits);

}  // namespace tsbhyve::soft
