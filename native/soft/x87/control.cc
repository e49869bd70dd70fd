// SPDX-License-Identifier: BSD-2-Clause
// FNINIT, FNCLEX, FLDCW, FNSTCW, FNSTSW, FWAIT, EMMS.
#include "soft/x87/control.h"

#include "soft/x87/access.h"
#include "soft/x87/groups.h"

namespace tsbhyve::soft::x87 {

void initialize(FpuState& fpu) {
  fpu.control = control_initial;
  fpu.status = 0;
  fpu.empty = 0xff;
  fpu.opcode = 0;
  fpu.instruction_pointer = 0;
  fpu.data_pointer = 0;
  fpu.code_selector = 0;
  fpu.data_selector = 0;
}

namespace {

void fninit(Cpu* cpu, const Op* op) {
  require_unit(cpu, op);
  initialize(cpu->fpu);
}

void fnclex(Cpu* cpu, const Op* op) {
  require_unit(cpu, op);
  set_codes(cpu->fpu, u32{status_busy} | status_summary | status_stack_fault | status_exceptions, 0);
}

void fldcw(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  set_control(cpu->fpu, load_operand<u16>(cpu, op));
}

void fnstcw(Cpu* cpu, const Op* op) {
  require_unit(cpu, op);
  store_operand<u16>(cpu, op, cpu->fpu.control);
}

void fnstsw_memory(Cpu* cpu, const Op* op) {
  require_unit(cpu, op);
  store_operand<u16>(cpu, op, cpu->fpu.status);
}

void fnstsw_ax(Cpu* cpu, const Op* op) {
  require_unit(cpu, op);
  write_gpr<u16>(cpu, RAX * 8, cpu->fpu.status);
}

/// FWAIT looks at TS only together with MP (SDM volume 3, 2.5).
void fwait(Cpu* cpu, const Op* op) {
  if ((cpu->cr0 & cr0::MP) != 0 && (cpu->cr0 & cr0::TS) != 0) raise(cpu, op, Vector::NM);
  raise_pending(cpu, op);
}

void emms(Cpu* cpu, const Op* op) {
  if ((cpu->cr0 & cr0::EM) != 0) raise(cpu, op, Vector::UD);
  require_ready(cpu, op);
  cpu->fpu.empty = 0xff;
  set_top(cpu->fpu, 0);
}

Handler select_store_status(const Instruction& instruction, bool) {
  return instruction.operands[0].kind == OperandKind::Memory ? run<fnstsw_memory> : run<fnstsw_ax>;
}

}  // namespace

void add_control(HandlerTable& table) {
  table.set(Opcode::Fninit, always<fninit>);
  table.set(Opcode::Fnclex, always<fnclex>);
  table.set(Opcode::Fldcw, always<fldcw>);
  table.set(Opcode::Fnstcw, always<fnstcw>);
  table.set(Opcode::Fnstsw, select_store_status);
  table.set(Opcode::Fwait, always<fwait>);
  table.set(Opcode::Emms, always<emms>);
}

}  // namespace tsbhyve::soft::x87
