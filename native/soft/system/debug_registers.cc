// SPDX-License-Identifier: BSD-2-Clause
// MOV to and from debug registers (SDM vol. 3, 17.2).
#include "soft/families.h"
#include "soft/system/control_ops.h"
#include "soft/system/fault.h"
#include "soft/system/operand.h"

namespace tsbhyve::soft {

namespace {

constexpr u64 dr6_fixed = 0xffff0ff0, dr6_writable = 0xe00f, dr6_access_detected = 1 << 13;
constexpr u64 dr7_fixed = 0x400, dr7_writable = 0xffff23ff, dr7_general_detect = 1 << 13;

/// Checks the access; DR4 and DR5 stand for DR6 and DR7 unless CR4.DE is set.
u8 checked_register(Cpu* cpu, const Op* op, u8 number) {
  if (number == 4 || number == 5) {
    if (cpu->cr4 & cr4::DE) raise(cpu, op, Vector::UD);
    number = static_cast<u8>(number + 2);
  }
  require_kernel(cpu, op);
  if (cpu->dr7 & dr7_general_detect) {
    cpu->dr6 |= dr6_access_detected;
    raise(cpu, op, Vector::DB);
  }
  return number;
}

void mov_from(Cpu* cpu, const Op* op) {
  const u8 number = checked_register(cpu, op, op->source);
  const u64 value = number == 7 ? cpu->dr7 : number == 6 ? cpu->dr6 : cpu->dr[number];
  write_gpr<u64>(cpu, op->destination, wide_operands(cpu) ? value : value & 0xffffffff);
  NEXT(cpu, op);
}

void mov_to(Cpu* cpu, const Op* op) {
  const u8 number = checked_register(cpu, op, op->destination);
  const u64 value = wide_operands(cpu) ? read_gpr<u64>(cpu, op->source) : read_gpr<u32>(cpu, op->source);
  if (number >= 6 && value >> 32) raise(cpu, op, Vector::GP, 0);
  switch (number) {
    case 6: cpu->dr6 = (value & dr6_writable) | dr6_fixed; break;
    case 7: cpu->dr7 = (value & dr7_writable) | dr7_fixed; break;
    default: cpu->dr[number] = value; break;
  }
  end_block(cpu, op);
}

}  // namespace

void add_debug_registers(HandlerTable& table) {
  table.set(Opcode::MovDr, [](const Instruction& i, bool) -> Handler {
    return i.operands[0].kind == OperandKind::Debug ? mov_to : mov_from;
  });
}

}  // namespace tsbhyve::soft
