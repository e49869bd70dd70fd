// SPDX-License-Identifier: BSD-2-Clause
#include "soft/sse/unit.h"

#include "soft/leave.h"

namespace tsbhyve::soft::sse {

void check_unit(Cpu* cpu, const Op* op, Unit unit) {
  if (cpu->cr0 & cr0::EM) raise(cpu, op, Vector::UD);
  if (unit != Unit::Mmx && !(cpu->cr4 & cr4::OSFXSR)) raise(cpu, op, Vector::UD);
  if (cpu->cr0 & cr0::TS) raise(cpu, op, Vector::NM);
  if (unit != Unit::Sse && (cpu->fpu.status & x87_error_summary) && (cpu->cr0 & cr0::NE)) raise(cpu, op, Vector::MF);
}

}  // namespace tsbhyve::soft::sse
