// SPDX-License-Identifier: BSD-2-Clause
// What the assembly of host_stub.cc and the C++ of host.cc share. The offsets are restated in the assembly.
#pragma once

#include "state.h"

namespace tsbhyve::differential {

struct Exchange {
  Registers in;         // 0; gpr 0, rflags 128, rip 136, fs_base 144, gs_base 152, selectors 160
  Registers out;        // 176
  u8 uses_fx, compat;   // 352, 353
  u8 reached_end;       // 354: left by the code behind the case, not by a signal
  u8 running;           // 355
  u8 restore_segments;  // 356
  u8 padding[3];
  u64 host_stack;    // 360
  u64 host_fs_base;  // 368
  u64 clean_mxcsr;   // 376
  FxImage in_fx;     // 384
  FxImage out_fx;    // 896
};

}  // namespace tsbhyve::differential

extern "C" {
extern tsbhyve::differential::Exchange differential_exchange;
/// Loads Exchange::in, runs the case and returns with Exchange::out.
void differential_enter();
/// Where the code behind a case jumps to in 64-bit mode.
void differential_leave();
/// Signal handler: calls differential_signal, then returns as if from differential_enter.
void differential_handler(int, void*, void*);
void differential_signal(int number, void* info, void* context);
/// A signal while no case runs.
void differential_outside(int number);
}
