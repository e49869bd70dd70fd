// SPDX-License-Identifier: BSD-2-Clause
// Handlers of the far control transfers and software interrupts.
#include <type_traits>

#include "soft/address.h"
#include "soft/families.h"
#include "soft/flags.h"
#include "soft/memory.h"
#include "soft/system/far_transfer.h"
#include "soft/system/fault.h"
#include "soft/system/iret.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

u32 operand_bytes(const Op* op) { return op->bits & op_rex_w ? 8 : op->bits & op_operand16 ? 2 : 4; }

struct FarTarget {
  u64 offset;
  u16 selector;
};

/// A far pointer in the instruction has its selector above the offset in Op::immediate.
FarTarget immediate_target(const Op* op) {
  const u64 offset = op->immediate & (op->bits & op_operand16 ? 0xffff : 0xffffffff);
  return {offset, static_cast<u16>(op->immediate >> 32)};
}

[[gnu::noinline]] FarTarget memory_target(Cpu* cpu, const Op* op) {
  const u32 size = operand_bytes(op);
  const u64 lin = linear_address<Addressing::General>(cpu, op, size + 2, false);
  u64 offset;
  switch (size) {
    case 2: offset = load<u16>(cpu, op, lin); break;
    case 4: offset = load<u32>(cpu, op, lin); break;
    default: offset = load<u64>(cpu, op, lin); break;
  }
  return {offset, load<u16>(cpu, op, lin + size)};
}

template <bool Memory>
FarTarget target_of(Cpu* cpu, const Op* op) {
  if constexpr (Memory) return memory_target(cpu, op);
  return immediate_target(op);
}

template <bool Memory>
void jmp_far(Cpu* cpu, const Op* op) {
  cpu->current_op = op;
  const FarTarget target = target_of<Memory>(cpu, op);
  cpu->rip = next_rip(cpu, op);  // what a task switch saves
  far_jump(cpu, target.selector, target.offset);
}

template <bool Memory>
void call_far(Cpu* cpu, const Op* op) {
  cpu->current_op = op;
  const FarTarget target = target_of<Memory>(cpu, op);
  cpu->rip = next_rip(cpu, op);
  far_call(cpu, target.selector, target.offset, operand_bytes(op));
}

void ret_far(Cpu* cpu, const Op* op) {
  cpu->current_op = op;
  far_return(cpu, operand_bytes(op), static_cast<u32>(op->immediate & 0xffff));
}

void iret(Cpu* cpu, const Op* op) {
  cpu->current_op = op;
  cpu->rip = next_rip(cpu, op);
  interrupt_return(cpu, operand_bytes(op));
}

void iretq(Cpu* cpu, const Op* op) {
  cpu->current_op = op;
  interrupt_return_long(cpu, op);
}

void software_event(Cpu* cpu, const Op* op, u8 vector, EventKind kind) {
  cpu->current_op = op;
  cpu->rip = next_rip(cpu, op);
  deliver_event(cpu, vector, kind, false, 0);
}

void int_n(Cpu* cpu, const Op* op) {
  // Only INT n, not INT3 and INTO, depends on IOPL in virtual-8086 mode (SDM vol. 3, 20.3.3).
  if (virtual8086(cpu) && (cpu->rflags & rflags::IOPL) != rflags::IOPL) raise(cpu, op, Vector::GP, 0);
  software_event(cpu, op, static_cast<u8>(op->immediate), EventKind::SoftwareInterrupt);
}

void int3(Cpu* cpu, const Op* op) { software_event(cpu, op, Vector::BP, EventKind::SoftwareException); }

void int1(Cpu* cpu, const Op* op) { software_event(cpu, op, Vector::DB, EventKind::PrivilegedException); }

void into(Cpu* cpu, const Op* op) {
  if (!overflow_flag(cpu)) return end_block(cpu, op);
  software_event(cpu, op, Vector::OF, EventKind::SoftwareException);
}

template <class T>
void bound(Cpu* cpu, const Op* op) {
  using Signed = std::conditional_t<sizeof(T) == 2, i16, i32>;
  const u64 lin = linear_address<Addressing::General>(cpu, op, sizeof(T) * 2, false);
  const auto lower = static_cast<Signed>(load<T>(cpu, op, lin));
  const auto upper = static_cast<Signed>(load<T>(cpu, op, lin + sizeof(T)));
  const auto index = static_cast<Signed>(read_gpr<T>(cpu, op->destination));
  if (index < lower || index > upper) raise(cpu, op, Vector::BR);
  NEXT(cpu, op);
}

bool has_memory(const Instruction& instruction) { return instruction.operands[0].kind == OperandKind::Memory; }

}  // namespace

void add_far(HandlerTable& table) {
  table.set(Opcode::JmpFar,
            [](const Instruction& i, bool) -> Handler { return has_memory(i) ? jmp_far<true> : jmp_far<false>; });
  table.set(Opcode::CallFar,
            [](const Instruction& i, bool) -> Handler { return has_memory(i) ? call_far<true> : call_far<false>; });
  table.set(Opcode::RetFar, [](const Instruction&, bool) -> Handler { return ret_far; });
  table.set(Opcode::Iret, [](const Instruction& i, bool) -> Handler { return i.operand_size == 8 ? iretq : iret; });
  table.set(Opcode::Int, [](const Instruction&, bool) -> Handler { return int_n; });
  table.set(Opcode::Int3, [](const Instruction&, bool) -> Handler { return int3; });
  table.set(Opcode::Int1, [](const Instruction&, bool) -> Handler { return int1; });
  table.set(Opcode::Into, [](const Instruction&, bool) -> Handler { return into; });
  table.set(Opcode::Bound,
            [](const Instruction& i, bool) -> Handler { return i.operand_size == 2 ? bound<u16> : bound<u32>; });
}

}  // namespace tsbhyve::soft
