// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "soft/cpu.h"

namespace tsbhyve::soft::x87 {

/// FNINIT, also the last step of FNSAVE. Register contents stay (SDM volume 2, FINIT).
void initialize(FpuState& fpu);

}  // namespace tsbhyve::soft::x87
