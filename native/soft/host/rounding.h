// SPDX-License-Identifier: BSD-2-Clause
// The guest's MXCSR in the host's: rounding mode, FTZ and DAZ, with every exception masked.
//
// The run loop enters before it executes guest code and leaves before it returns, so that the guest's rounding mode
// never reaches other code. Whoever changes Cpu::mxcsr in between calls load_guest_rounding. All are empty where SSE
// arithmetic is done in software.
#pragma once

#include "soft/types.h"

namespace tsbhyve::soft::host {

inline constexpr u32 mxcsr_exceptions = 0x3f, mxcsr_masks = 0x1f80, mxcsr_inexact = 0x20;

#if defined(__x86_64__)

inline void load_guest_rounding(u32 mxcsr) { __builtin_ia32_ldmxcsr((mxcsr & ~mxcsr_exceptions) | mxcsr_masks); }

/// Exceptions since the last load_guest_rounding.
inline u32 raised_exceptions() { return __builtin_ia32_stmxcsr() & mxcsr_exceptions; }

/// Returns what leave_guest_rounding needs.
inline u32 enter_guest_rounding(u32 mxcsr) {
  const u32 saved = __builtin_ia32_stmxcsr();
  load_guest_rounding(mxcsr);
  return saved;
}
inline void leave_guest_rounding(u32 saved) { __builtin_ia32_ldmxcsr(saved); }

#else

inline void load_guest_rounding(u32) {}
inline u32 raised_exceptions() { return 0; }
inline u32 enter_guest_rounding(u32) { return 0; }
inline void leave_guest_rounding(u32) {}

#endif

}  // namespace tsbhyve::soft::host
