// SPDX-License-Identifier: BSD-2-Clause
#include "soft/sse/compute.h"

namespace tsbhyve::soft::sse {

void take_exceptions(Cpu* cpu, const Op* op, const Evaluation& evaluation) {
  cpu->mxcsr |= evaluation.reported();
  if (evaluation.faults()) raise(cpu, op, cpu->cr4 & cr4::OSXMMEXCPT ? Vector::XM : Vector::UD);
}

}  // namespace tsbhyve::soft::sse
