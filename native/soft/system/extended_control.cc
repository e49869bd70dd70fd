// SPDX-License-Identifier: BSD-2-Clause
// XGETBV and XSETBV (SDM vol. 2): XCR0 is the only extended control register here.
#include "soft/families.h"
#include "soft/system/control_ops.h"
#include "soft/system/fault.h"
#include "soft/system/model.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

void require_xcr0(Cpu* cpu, const Op* op) {
  if (!(cpu->cr4 & cr4::OSXSAVE)) raise(cpu, op, Vector::UD);
  if (static_cast<u32>(cpu->gpr[RCX]) != 0) raise(cpu, op, Vector::GP, 0);
}

void xgetbv(Cpu* cpu, const Op* op) {
  require_xcr0(cpu, op);
  cpu->gpr[RAX] = cpu->xcr0;
  cpu->gpr[RDX] = 0;
  NEXT(cpu, op);
}

void xsetbv(Cpu* cpu, const Op* op) {
  if (!(cpu->cr4 & cr4::OSXSAVE)) raise(cpu, op, Vector::UD);
  require_kernel(cpu, op);
  require_xcr0(cpu, op);
  const u64 value = (cpu->gpr[RAX] & 0xffffffff) | cpu->gpr[RDX] << 32;
  if (!(value & xcr0_x87) || (value & ~(xcr0_x87 | xcr0_sse))) raise(cpu, op, Vector::GP, 0);
  cpu->xcr0 = value;
  end_block(cpu, op);
}

}  // namespace

void add_extended_control(HandlerTable& table) {
  table.set(Opcode::Xgetbv, [](const Instruction&, bool) -> Handler { return xgetbv; });
  table.set(Opcode::Xsetbv, [](const Instruction&, bool) -> Handler { return xsetbv; });
}

}  // namespace tsbhyve::soft
