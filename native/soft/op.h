// SPDX-License-Identifier: BSD-2-Clause
// Tier 1's form of an instruction, and how one handler reaches the next.
//
// A handler is a function that does one instruction and tail-calls the handler of the next Op, so a block runs without
// returning. Rules for handlers:
//  - End every path with NEXT(cpu, op), one of the ways out in leave.h, or a plain `return` after those.
//  - Never take the address of a local and never hold a local with a destructor: either stops the tail call, and the
//    second is skipped by escape(). Put such work into a [[gnu::noinline]] function that returns by value.
//  - Do every memory access (or a probe of it) before changing a register: a fault or a device access runs the
//    instruction again from its start. REP strings commit per iteration.
//  - Whatever can raise an exception outside memory.h's loads and stores uses raise(cpu, op, ...), or sets
//    cpu->current_op = op before it calls code that may.
#pragma once

#include "soft/cpu.h"

namespace tsbhyve::soft {

using Handler = void (*)(Cpu* cpu, const Op* op);

/// Register numbers of general registers are byte offsets into Cpu::gpr; of all others, plain numbers.
struct Op {
  Handler handler;
  union {
    u64 immediate;
    struct Branch* branch;  // direct branches: where they lead
  };
  i32 displacement;
  u8 destination, source;  // first and second operand; a memory operand leaves its slot 0
  u8 base, index;          // byte offsets; zero_slot when absent, rip_slot for RIP-relative
  u8 scale;
  u8 segment;  // of the memory operand
  u8 extra;    // third operand: register number, imm8, or what the family needs
  u8 bits;     // OpBits
  u16 offset;  // of this instruction from the start of its block, in bytes
  u8 length;
  u8 position;  // instructions before this one in the block
};
static_assert(sizeof(Op) == 32);

/// Op::bits
inline constexpr u8 op_address16 = 1, op_address32 = 2;  // address size, else 64
inline constexpr u8 op_rep = 4, op_repne = 8;
inline constexpr u8 op_lock = 16;
inline constexpr u8 op_rex_w = 32;      // operand size 8
inline constexpr u8 op_operand16 = 64;  // operand size 2

/// Picks the handler for an instruction. `flags_live` is false when nothing can see the status flags it leaves.
using Select = Handler (*)(const Instruction& instruction, bool flags_live);

/// The dispatch table: every family adds its rows (families.h). A missing row raises #UD.
struct HandlerTable {
  Select select[static_cast<size_t>(Opcode::Count)] = {};
  void set(Opcode opcode, Select chooser) { select[static_cast<size_t>(opcode)] = chooser; }
};

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Sibling calls are certain here: GCC and Clang make them for equal signatures when optimising.
#define NEXT(cpu, op) return (op)[1].handler((cpu), (op) + 1)
#define START(cpu, first) return (first)->handler((cpu), (first))
inline constexpr bool threaded_dispatch = true;
#else
#define NEXT(cpu, op) return static_cast<void>((cpu)->next_op = (op) + 1)
#define START(cpu, first) return static_cast<void>((cpu)->next_op = (first))
inline constexpr bool threaded_dispatch = false;
#endif

}  // namespace tsbhyve::soft
