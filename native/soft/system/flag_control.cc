// SPDX-License-Identifier: BSD-2-Clause
// CLI, STI, CLAC, STAC and HLT (SDM vol. 2).
#include "soft/families.h"
#include "soft/system/control_ops.h"
#include "soft/system/fault.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

/// IOPL rules the interrupt flag; real-address mode runs at CPL 0 and virtual-8086 mode at CPL 3.
void require_iopl(Cpu* cpu, const Op* op) {
  if (cpu->cpl > ((cpu->rflags & rflags::IOPL) >> 12)) raise(cpu, op, Vector::GP, 0);
}

void cli(Cpu* cpu, const Op* op) {
  require_iopl(cpu, op);
  cpu->rflags &= ~rflags::IF;
  NEXT(cpu, op);
}

void sti(Cpu* cpu, const Op* op) {
  require_iopl(cpu, op);
  if (!(cpu->rflags & rflags::IF)) cpu->interrupt_shadow = true;
  cpu->rflags |= rflags::IF;
  end_block(cpu, op);
}

/// CPL 0 only, but the exception is #UD.
void require_kernel_or_undefined(Cpu* cpu, const Op* op) {
  if (cpu->cpl != 0) raise(cpu, op, Vector::UD);
}

void clac(Cpu* cpu, const Op* op) {
  require_kernel_or_undefined(cpu, op);
  cpu->rflags &= ~rflags::AC;
  update_mode(cpu);
  NEXT(cpu, op);
}

void stac(Cpu* cpu, const Op* op) {
  require_kernel_or_undefined(cpu, op);
  cpu->rflags |= rflags::AC;
  update_mode(cpu);
  NEXT(cpu, op);
}

void hlt(Cpu* cpu, const Op* op) {
  require_kernel(cpu, op);
  cpu->run_state = RunState::Halted;
  end_block(cpu, op);
}

}  // namespace

void add_flag_control(HandlerTable& table) {
  table.set(Opcode::Cli, [](const Instruction&, bool) -> Handler { return cli; });
  table.set(Opcode::Sti, [](const Instruction&, bool) -> Handler { return sti; });
  table.set(Opcode::Clac, [](const Instruction&, bool) -> Handler { return clac; });
  table.set(Opcode::Stac, [](const Instruction&, bool) -> Handler { return stac; });
  table.set(Opcode::Hlt, [](const Instruction&, bool) -> Handler { return hlt; });
}

}  // namespace tsbhyve::soft
