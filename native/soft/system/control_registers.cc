// SPDX-License-Identifier: BSD-2-Clause
// MOV to and from control registers, CLTS, LMSW, SMSW (SDM vol. 2).
#include "soft/apic.h"
#include "soft/families.h"
#include "soft/system/control_ops.h"
#include "soft/system/fault.h"
#include "soft/system/operand.h"
#include "soft/system/paging_mode.h"

namespace tsbhyve::soft {

namespace {

u64 read_operand(const Cpu* cpu, u8 slot) {
  return wide_operands(cpu) ? read_gpr<u64>(cpu, slot) : read_gpr<u32>(cpu, slot);
}

template <u64 Cpu::*Register>
void mov_from(Cpu* cpu, const Op* op) {
  require_kernel(cpu, op);
  write_gpr<u64>(cpu, op->destination, wide_operands(cpu) ? cpu->*Register : cpu->*Register & 0xffffffff);
  NEXT(cpu, op);
}

/// Paging, mode and access rights may change: the next instruction is looked up anew.
template <void (*Write)(Cpu*, u64)>
void mov_to(Cpu* cpu, const Op* op) {
  require_kernel(cpu, op);
  cpu->current_op = op;
  Write(cpu, read_operand(cpu, op->source));
  end_block(cpu, op);
}

void write_cr2(Cpu* cpu, u64 value) { cpu->cr2 = value; }

void write_cr8(Cpu* cpu, u64 value) {
  if (value > 15) fault(cpu, Vector::GP, 0);
  cpu->apic->set_task_priority(static_cast<u8>(value));
}

void mov_from_cr8(Cpu* cpu, const Op* op) {
  require_kernel(cpu, op);
  write_gpr<u64>(cpu, op->destination, cpu->apic->task_priority());
  NEXT(cpu, op);
}

void clts(Cpu* cpu, const Op* op) {
  require_kernel(cpu, op);
  cpu->cr0 &= ~cr0::TS;
  end_block(cpu, op);
}

template <bool Memory>
void lmsw(Cpu* cpu, const Op* op) {
  require_kernel(cpu, op);
  cpu->current_op = op;
  const u64 word = read_word<Memory>(cpu, op, op->destination);
  constexpr u64 low = cr0::PE | cr0::MP | cr0::EM | cr0::TS;
  // PE can be set but not cleared.
  write_cr0(cpu, (cpu->cr0 & ~(low & ~cr0::PE)) | (word & low));
  end_block(cpu, op);
}

template <bool Memory>
void smsw(Cpu* cpu, const Op* op) {
  if (cpu->cpl != 0 && (cpu->cr4 & cr4::UMIP)) raise(cpu, op, Vector::GP, 0);
  write_selector<Memory>(cpu, op, cpu->cr0);
  NEXT(cpu, op);
}

Handler select_mov(const Instruction& i, bool) {
  if (i.operands[0].kind == OperandKind::Control) {
    switch (i.operands[0].reg) {
      case 0: return mov_to<write_cr0>;
      case 2: return mov_to<write_cr2>;
      case 3: return mov_to<write_cr3>;
      case 4: return mov_to<write_cr4>;
      case 8: return mov_to<write_cr8>;
      default: return nullptr;
    }
  }
  switch (i.operands[1].reg) {
    case 0: return mov_from<&Cpu::cr0>;
    case 2: return mov_from<&Cpu::cr2>;
    case 3: return mov_from<&Cpu::cr3>;
    case 4: return mov_from<&Cpu::cr4>;
    case 8: return mov_from_cr8;
    default: return nullptr;
  }
}

}  // namespace

void add_control_registers(HandlerTable& table) {
  table.set(Opcode::MovCr, select_mov);
  table.set(Opcode::Clts, [](const Instruction&, bool) -> Handler { return clts; });
  table.set(Opcode::Lmsw,
            [](const Instruction& i, bool) -> Handler { return operand_in_memory(i, 0) ? lmsw<true> : lmsw<false>; });
  table.set(Opcode::Smsw,
            [](const Instruction& i, bool) -> Handler { return operand_in_memory(i, 0) ? smsw<true> : smsw<false>; });
}

void add_control(HandlerTable& table) {
  add_control_registers(table);
  add_debug_registers(table);
  add_translation(table);
  add_flag_control(table);
  add_extended_control(table);
  add_model(table);
}

}  // namespace tsbhyve::soft
