// SPDX-License-Identifier: BSD-2-Clause
// Effective and linear addresses of memory operands and of the stack.
#pragma once

#include "soft/block.h"
#include "soft/op.h"

namespace tsbhyve::soft {

/// How a handler computes its address: Flat64 = 64-bit code, 64-bit address size, segment without base (not FS, GS).
enum class Addressing : u8 { Flat64, General };

inline Addressing addressing_of(const Instruction& instruction) {
  const bool flat = instruction.code_size == CodeSize::Bits64 && instruction.address_size == 8 &&
                    instruction.memory.segment != FS && instruction.memory.segment != GS;
  return flat ? Addressing::Flat64 : Addressing::General;
}

/// RIP-relative operands have rip_slot as base; the block builder has folded offset and length into the displacement.
[[gnu::always_inline]] inline u64 raw_address(const Cpu* cpu, const Op* op) {
  return read_gpr<u64>(cpu, op->base) + (read_gpr<u64>(cpu, op->index) << op->scale) +
         static_cast<u64>(static_cast<i64>(op->displacement));
}

inline u64 cut_address(const Op* op, u64 address) {
  if (op->bits & op_address32) return address & 0xffffffff;
  if (op->bits & op_address16) return address & 0xffff;
  return address;
}

/// Effective address (LEA; before segmentation).
inline u64 effective_address(const Cpu* cpu, const Op* op) { return cut_address(op, raw_address(cpu, op)); }

/// Adds the segment base; outside 64-bit code checks limit, type and presence, and raises #GP(0) or #SS(0)
/// (system/segment_check.cc).
u64 segment_address(Cpu* cpu, const Op* op, u8 segment, u64 offset, u32 size, bool is_write);

/// Linear address of the memory operand, `size` bytes wide.
template <Addressing A>
[[gnu::always_inline]] inline u64 linear_address(Cpu* cpu, const Op* op, u32 size, bool is_write) {
  if constexpr (A == Addressing::Flat64) {
    return raw_address(cpu, op);
  } else {
    return segment_address(cpu, op, op->segment, effective_address(cpu, op), size, is_write);
  }
}

/// Stack width of the current mode.
inline u64 stack_mask(const Cpu* cpu) {
  return cpu->mode & mode_stack64 ? ~u64{0} : cpu->mode & mode_stack32 ? 0xffffffff : 0xffff;
}

/// Linear address of stack offset `sp` (already cut to the stack width).
inline u64 stack_address(Cpu* cpu, const Op* op, u64 sp, u32 size, bool is_write) {
  return cpu->mode & mode_code64 ? sp : segment_address(cpu, op, SS, sp, size, is_write);
}

/// Writes SP, ESP or RSP, keeping the bits that the stack width does not reach.
inline void write_stack_pointer(Cpu* cpu, u64 sp) {
  const u64 mask = stack_mask(cpu);
  cpu->gpr[RSP] = (cpu->gpr[RSP] & ~mask & (mask == 0xffffffff ? 0 : ~u64{0})) | (sp & mask);
}

}  // namespace tsbhyve::soft
