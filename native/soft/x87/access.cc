// SPDX-License-Identifier: BSD-2-Clause
#include "soft/x87/access.h"

namespace tsbhyve::soft::x87 {

void require_unit(Cpu* cpu, const Op* op) {
  if ((cpu->cr0 & (cr0::EM | cr0::TS)) != 0) raise(cpu, op, Vector::NM);
}

void raise_pending(Cpu* cpu, const Op* op) {
  if ((cpu->fpu.status & status_summary) != 0 && (cpu->cr0 & cr0::NE) != 0) raise(cpu, op, Vector::MF);
}

void require_ready(Cpu* cpu, const Op* op) {
  require_unit(cpu, op);
  raise_pending(cpu, op);
}

void record_instruction(Cpu* cpu, const Op* op) {
  cpu->fpu.instruction_pointer = instruction_rip(cpu, op);
  cpu->fpu.code_selector = cpu->segment[CS].selector;
  cpu->fpu.opcode = static_cast<u16>(op->immediate & 0x7ff);
}

void record_operand(Cpu* cpu, const Op* op) {
  record_instruction(cpu, op);
  cpu->fpu.data_pointer = effective_address(cpu, op);
  cpu->fpu.data_selector = cpu->segment[op->segment].selector;
}

u64 operand_address(Cpu* cpu, const Op* op, u32 size, bool is_write) {
  return linear_address<Addressing::General>(cpu, op, size, is_write);
}

fp::Float80 load80(Cpu* cpu, const Op* op, u64 lin) {
  const u64 significand = load<u64>(cpu, op, lin);
  return {significand, load<u16>(cpu, op, advanced(cpu, lin, 8))};
}

void store80(Cpu* cpu, const Op* op, u64 lin, const fp::Float80& value) {
  probe_write(cpu, op, lin, 10, op->segment);
  store<u64>(cpu, op, lin, value.significand);
  store<u16>(cpu, op, advanced(cpu, lin, 8), value.sign_exponent);
}

}  // namespace tsbhyve::soft::x87
