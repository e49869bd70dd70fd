// SPDX-License-Identifier: BSD-2-Clause
// IRET, IRETD and IRETQ in every mode (SDM vol. 2, IRET; vol. 3, 20.2-20.3).
#include "soft/system/iret.h"

#include "soft/address.h"
#include "soft/flags.h"
#include "soft/memory.h"
#include "soft/system/far_transfer.h"
#include "soft/system/fault.h"
#include "soft/system/segments.h"
#include "soft/system/system.h"
#include "soft/system/task_switch.h"
#include "soft/system/transfer_stack.h"
#include "soft/threads/threaded_cpu.h"

namespace tsbhyve::soft {

namespace {

constexpr u64 always_returned = status_flags | rflags::TF | rflags::DF | rflags::NT;

/// Flags that IRET may change at the current privilege.
u64 returned_flags(const Cpu* cpu, u32 size) {
  u64 mask = always_returned;
  if (size > 2) mask |= rflags::RF | rflags::AC | rflags::ID;
  const u64 iopl = (cpu->rflags & rflags::IOPL) >> 12;
  if (cpu->cpl <= iopl) mask |= rflags::IF;
  if (cpu->cpl != 0) return mask;
  mask |= rflags::IOPL;
  return size > 2 ? mask | rflags::VIF | rflags::VIP : mask;
}

void write_flags(Cpu* cpu, u64 value, u64 mask) {
  cpu->rflags = merge_flags(read_rflags(cpu), value, mask);
  cpu->lazy.kind = static_cast<u32>(FlagKind::Eager);
}

void return_real(Cpu* cpu, u32 size) {
  TransferStack stack(cpu);
  const u64 offset = stack.pop(cpu, size);
  const u16 selector = static_cast<u16>(stack.pop(cpu, size));
  const u64 flags = stack.pop(cpu, size);
  const Segment& old = cpu->segment[CS];
  const Segment code = segment_of_paragraph(selector, old.limit, old.attributes);
  check_code_offset(cpu, code, offset);
  write_stack_pointer(cpu, stack.pointer());
  // Virtual-8086 code (IOPL 3, checked before) cannot change IOPL.
  u64 mask = always_returned | rflags::IF;
  if (size > 2) mask |= rflags::RF | rflags::AC | rflags::ID;
  if (real_mode(cpu)) mask |= rflags::IOPL;
  write_flags(cpu, flags, mask);
  enter_code(cpu, code, offset, cpu->cpl);
}

void return_to_8086(Cpu* cpu, TransferStack& stack, u64 offset, u16 selector, u64 flags) {
  const u64 pointer = stack.pop(cpu, 4);
  u16 selectors[6] = {0, selector, 0, 0, 0, 0};
  for (const u8 reg : {SS, ES, DS, FS, GS}) selectors[reg] = static_cast<u16>(stack.pop(cpu, 4));
  constexpr u32 attributes_8086 = segment_present | 0x60 | segment_user | type_writable | type_accessed;
  write_flags(cpu, flags, returned_flags(cpu, 4) | rflags::VM);
  for (u8 reg = 0; reg < 6; reg++) cpu->segment[reg] = segment_of_paragraph(selectors[reg], 0xffff, attributes_8086);
  cpu->gpr[RSP] = pointer;
  enter_code(cpu, cpu->segment[CS], offset & 0xffff, 3);
}

void return_protected(Cpu* cpu, u32 size) {
  TransferStack stack(cpu);
  const u64 offset = stack.pop(cpu, size);
  const u16 selector = static_cast<u16>(stack.pop(cpu, size));
  const u64 flags = stack.pop(cpu, size);
  if (size == 4 && (flags & rflags::VM) && cpu->cpl == 0 && !long_mode(cpu)) {
    return return_to_8086(cpu, stack, offset, selector, flags);
  }
  const Segment code = checked_return_code(cpu, selector);
  const u8 cpl = rpl_of(selector);
  const u64 mask = returned_flags(cpu, size);
  if (cpl == cpu->cpl && !code64(cpu)) {
    check_code_offset(cpu, code, offset);
    write_stack_pointer(cpu, stack.pointer());
    write_flags(cpu, flags, mask);
    return enter_code(cpu, code, offset, cpl);
  }
  const u64 outer_pointer = stack.pop(cpu, size);
  const u16 outer_selector = static_cast<u16>(stack.pop(cpu, size));
  return_outward(cpu, code, offset, flags, mask, outer_pointer, outer_selector);
}

}  // namespace

void return_outward(Cpu* cpu, const Segment& code, u64 rip, u64 flags, u64 mask, u64 pointer, u16 stack_selector) {
  const u8 cpl = rpl_of(code.selector);
  const Segment stack = checked_return_stack(cpu, stack_selector, code, cpl);
  check_code_offset(cpu, code, rip);
  const bool outward = cpl != cpu->cpl;
  write_flags(cpu, flags, mask);
  cpu->segment[SS] = stack;
  enter_code(cpu, code, rip, cpl);
  write_stack_pointer(cpu, pointer);
  if (outward) drop_inner_segments(cpu);
}

void interrupt_return(Cpu* cpu, u32 size) {
  serialize(cpu);
  cpu->nmi_blocked = false;  // even when the return faults (SDM vol. 3, 6.7.1)
  if (real_mode(cpu)) return return_real(cpu, size);
  if (virtual8086(cpu)) {
    if ((cpu->rflags & rflags::IOPL) != rflags::IOPL) fault(cpu, Vector::GP, 0);
    return return_real(cpu, size);
  }
  if (cpu->rflags & rflags::NT) {
    if (long_mode(cpu)) fault(cpu, Vector::GP, 0);
    return switch_task(cpu, load_system<u16>(cpu, cpu->tr.base), TaskSwitch::Return, 0);
  }
  return_protected(cpu, size);
}

void interrupt_return_long(Cpu* cpu, const Op* op) {
  serialize(cpu);
  cpu->nmi_blocked = false;
  if (cpu->rflags & rflags::NT) fault(cpu, Vector::GP, 0);
  const u64 frame = cpu->gpr[RSP];
  const u64 rip = load_stack<u64>(cpu, op, frame);
  const u16 selector = static_cast<u16>(load_stack<u64>(cpu, op, frame + 8));
  const u64 flags = load_stack<u64>(cpu, op, frame + 16);
  const u64 pointer = load_stack<u64>(cpu, op, frame + 24);
  const u16 stack_selector = static_cast<u16>(load_stack<u64>(cpu, op, frame + 32));
  const Segment code = checked_return_code(cpu, selector);
  return_outward(cpu, code, rip, flags, returned_flags(cpu, 8), pointer, stack_selector);
}

}  // namespace tsbhyve::soft
