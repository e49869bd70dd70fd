// SPDX-License-Identifier: BSD-2-Clause
// Floating-point exceptions that translated code has left in the host's MXCSR.
#pragma once

#include "soft/cpu.h"
#include "soft/host/rounding.h"

namespace tsbhyve::soft {

/// Into the guest's. Translated code computes only while the inexact flag stands there, and nothing else in the engine
/// raises another.
inline void take_host_exceptions(Cpu* cpu) {
  if (cpu->mxcsr & host::mxcsr_inexact) cpu->mxcsr |= host::raised_exceptions();
}

}  // namespace tsbhyve::soft
