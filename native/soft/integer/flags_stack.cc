// SPDX-License-Identifier: BSD-2-Clause
// PUSHF and POPF (SDM vol. 2, tables 4-17 and 4-18).
#include "soft/flags.h"
#include "soft/integer/parts.h"
#include "soft/integer/push_pop.h"
#include "soft/integer/select.h"
#include "soft/leave.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

constexpr u64 always_changeable = status_flags | rflags::TF | rflags::DF | rflags::NT | rflags::AC | rflags::ID;

u32 io_privilege(const Cpu* cpu) { return static_cast<u32>(cpu->rflags >> 12) & 3; }

/// Virtual-8086 code below IOPL 3: only with VME, and only with 16-bit operands, it sees VIF in place of IF.
bool sees_virtual_interrupt_flag(const Cpu* cpu) { return virtual8086(cpu) && io_privilege(cpu) < 3; }

void check_virtual8086(Cpu* cpu, const Op* op, bool is16) {
  if (sees_virtual_interrupt_flag(cpu) && !(is16 && cpu->cr4 & cr4::VME)) raise(cpu, op, Vector::GP, 0);
}

u64 move_bit(u64 value, u64 from, u64 to) { return (value & ~to) | (value & from ? to : 0); }

u64 pushed_flags(const Cpu* cpu) {
  const u64 flags = read_rflags(cpu) & ~(rflags::RF | rflags::VM);
  return sees_virtual_interrupt_flag(cpu) ? move_bit(flags, rflags::VIF, rflags::IF) | rflags::IOPL : flags;
}

template <class T>
void pushf(Cpu* cpu, const Op* op) {
  check_virtual8086(cpu, op, sizeof(T) == 2);
  push_value<T>(cpu, op, static_cast<T>(pushed_flags(cpu)));
  NEXT(cpu, op);
}

/// The flags that POPF may change at this privilege; the others keep their value without a fault.
u64 changeable_flags(const Cpu* cpu) {
  u64 mask = always_changeable;
  if (sees_virtual_interrupt_flag(cpu)) return mask;
  if (cpu->cpl <= io_privilege(cpu)) mask |= rflags::IF;
  if (cpu->cpl == 0) mask |= rflags::IOPL;
  return mask;
}

template <class T>
[[gnu::noinline]] void pop_flags(Cpu* cpu, const Op* op) {
  check_virtual8086(cpu, op, sizeof(T) == 2);
  u64 popped = top_of_stack<T>(cpu, op);
  u64 mask = changeable_flags(cpu) & static_cast<T>(~T{0});
  if (sees_virtual_interrupt_flag(cpu)) {
    const bool takes_pending = (popped & rflags::IF) && (cpu->rflags & rflags::VIP);
    if (takes_pending || (popped & rflags::TF)) raise(cpu, op, Vector::GP, 0);
    popped = move_bit(popped, rflags::IF, rflags::VIF);
    mask |= rflags::VIF;
  }
  write_stack_pointer(cpu, cpu->gpr[RSP] + sizeof(T));
  const u64 old = read_rflags(cpu);
  const u64 flags = ((old & ~mask) | (popped & mask)) & ~rflags::RF;
  cpu->rflags = flags;
  write_status_flags(cpu, static_cast<u32>(flags));
  if ((old ^ flags) & rflags::AC) update_mode(cpu);
}

template <class T>
void popf(Cpu* cpu, const Op* op) {
  pop_flags<T>(cpu, op);
  end_block(cpu, op);
}

Handler select_pushf(const Instruction& instruction, bool) {
  return by_wide_width(instruction.operand_size, []<class T>() -> Handler { return pushf<T>; });
}

Handler select_popf(const Instruction& instruction, bool) {
  return by_wide_width(instruction.operand_size, []<class T>() -> Handler { return popf<T>; });
}

}  // namespace

void add_flags_stack(HandlerTable& table) {
  table.set(Opcode::Pushf, select_pushf);
  table.set(Opcode::Popf, select_popf);
}

}  // namespace tsbhyve::soft
