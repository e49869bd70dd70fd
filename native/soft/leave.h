// SPDX-License-Identifier: BSD-2-Clause
// The ways out of a handler other than NEXT.
#pragma once

#include "soft/block.h"
#include "soft/op.h"

namespace tsbhyve::soft {

/// Unwinds to the run loop. No destructor runs on the way (op.h).
[[noreturn]] void escape(Cpu* cpu, Escape reason);

/// Raises an exception at `op` (null: between instructions, cpu->rip holds).
[[noreturn]] void raise(Cpu* cpu, const Op* op, u8 vector);
[[noreturn]] void raise(Cpu* cpu, const Op* op, u8 vector, u32 error);

/// Address of this and of the next instruction, cut to the width of the code.
inline u64 instruction_rip(const Cpu* cpu, const Op* op) {
  const u64 rip = cpu->gpr[17] + op->offset;
  return (cpu->mode & mode_code64) ? rip : rip & 0xffffffff;
}
inline u64 next_rip(const Cpu* cpu, const Op* op) {
  const u64 rip = cpu->gpr[17] + op->offset + op->length;
  return (cpu->mode & mode_code64) ? rip : rip & 0xffffffff;
}

/// Instructions retired before `op`.
inline u64 retired_before(const Cpu* cpu, const Op* op) {
  return cpu->retire_limit - static_cast<u64>(cpu->budget) - cpu->block->count + op->position;
}
inline u64 retired_between_blocks(const Cpu* cpu) { return cpu->retire_limit - static_cast<u64>(cpu->budget); }

/// Ends the block after `op`, which is complete: back to the run loop at the next instruction. For everything that may
/// make an interrupt deliverable, or changes mode, paging or privilege. `op` must end its block
/// (OpcodeInfo::ends_block).
inline void end_block(Cpu* cpu, const Op* op) { cpu->rip = next_rip(cpu, op); }

/// Continues at an absolute address (already cut to the code's width and checked) through the run loop.
inline void leave_to(Cpu* cpu, u64 rip) { cpu->rip = rip; }

[[gnu::always_inline]] inline void enter_block(Cpu* cpu, Block* block, u64 rip) {
  if (__builtin_expect(cpu->budget < block->count, 0)) {
    cpu->rip = rip;
    return;
  }
  cpu->budget -= block->count;
  cpu->gpr[17] = rip;
  cpu->block = block;
  START(cpu, block->ops());
}

/// Near indirect jump, call or return to `rip` (checked canonical, cut to the width).
[[gnu::always_inline]] inline void jump_indirect(Cpu* cpu, u64 rip) {
  const JumpEntry& entry = cpu->jumps[jump_slot(rip)];
  if (__builtin_expect(entry.rip == rip && entry.mode == cpu->mode &&
                           entry.page_serial == cpu->code_page_serial[(rip >> 12) & (code_pages - 1)],
                       1)) {
    return enter_block(cpu, entry.block, rip);
  }
  cpu->rip = rip;
}

/// Follows a link that has no block: on the same page the run loop may set it, other pages go through the jump cache.
void follow_unlinked(Cpu* cpu, Link* link, u64 rip);

/// Follows a link of a direct branch to `rip`, which it leads to.
[[gnu::always_inline]] inline void follow_to(Cpu* cpu, Link* link, u64 rip) {
  if (Block* block = link->block; __builtin_expect(block != nullptr, 1)) return enter_block(cpu, block, rip);
  return follow_unlinked(cpu, link, rip);
}

/// The same in 64-bit code, where nothing cuts it.
[[gnu::always_inline]] inline void follow(Cpu* cpu, Link* link) {
  return follow_to(cpu, link, cpu->gpr[17] + link->delta);
}

/// To the instruction behind the block.
template <bool In64>
[[gnu::always_inline]] inline void follow_next(Cpu* cpu, const Op* op) {
  Link* const next = &op->branch->next;
  const u64 rip = cpu->gpr[17] + next->delta;
  return follow_to(cpu, next, In64 ? rip : rip & 0xffffffff);
}

}  // namespace tsbhyve::soft
