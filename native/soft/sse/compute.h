// SPDX-License-Identifier: BSD-2-Clause
// Actions of floating-point instructions: run an operation under the guest's MXCSR, take over its exceptions, write the
// result.
#pragma once

#include "soft/flags.h"
#include "soft/host/rounding.h"
#include "soft/host/simd.h"
#include "soft/sse/evaluation.h"
#include "soft/sse/shells.h"

namespace tsbhyve::soft::sse {

/// Where a result goes.
struct ToXmm {
  static void put(Cpu* cpu, const Op* op, V128 value) { write_xmm(cpu, op->destination, value); }
};
struct ToMmx {
  static void put(Cpu* cpu, const Op* op, u64 value) { write_mmx(cpu, op->destination, value); }
};
struct ToGeneral {
  template <class T>
  static void put(Cpu* cpu, const Op* op, T value) {
    write_gpr<T>(cpu, op->destination, value);
  }
};
struct ToFlags {
  static void put(Cpu* cpu, const Op*, u32 flags) { write_status_flags(cpu, flags); }
};

/// Enters exceptions into MXCSR and raises #XM for those that are not masked, or #UD without CR4.OSXMMEXCPT.
void take_exceptions(Cpu* cpu, const Op* op, const Evaluation& evaluation);

template <class O, class Sink, class V>
[[gnu::noinline]] void compute_in_software(Cpu* cpu, const Op* op, V source) {
  Evaluation evaluation(cpu->mxcsr);
  const auto result = [&] {
    if constexpr (requires { O::software(evaluation, source); }) {
      return O::software(evaluation, source);
    } else {
      const V128 destination = read_xmm(cpu, op->destination);
      if constexpr (requires { O::software(evaluation, destination, source, u8{}); }) {
        return O::software(evaluation, destination, source, static_cast<u8>(op->immediate));
      } else {
        return O::software(evaluation, destination, source);
      }
    }
  }();
  take_exceptions(cpu, op, evaluation);
  Sink::put(cpu, op, result);
}

/// Once the inexact flag stands, which nearly every program raises soon and never clears, there is no need to clear the
/// host's flags first: nothing else in the engine raises any but that one.
[[gnu::always_inline]] inline void prepare_host(const Cpu* cpu) {
  if (!(cpu->mxcsr & host::mxcsr_inexact)) host::load_guest_rounding(cpu->mxcsr);
}

/// The host computes while all exceptions are masked; what unmasked ones do, only the software knows.
template <class O, class Sink = ToXmm>
struct Compute {
  template <class V>
  [[gnu::always_inline]] static void apply(Cpu* cpu, const Op* op, V source) {
    if constexpr (host::has_simd) {
      if (__builtin_expect((cpu->mxcsr & host::mxcsr_masks) == host::mxcsr_masks, 1)) {
        prepare_host(cpu);
        if constexpr (requires { O::native(source); }) {
          const auto result = O::native(source);
          cpu->mxcsr |= host::raised_exceptions();
          Sink::put(cpu, op, result);
        } else {
          const auto result = O::native(read_xmm(cpu, op->destination), source);
          cpu->mxcsr |= host::raised_exceptions();
          Sink::put(cpu, op, result);
        }
        return;
      }
    }
    compute_in_software<O, Sink>(cpu, op, source);
  }
};

/// Operations that have no host instruction of SSE2.
template <class O>
struct ComputeInSoftware {
  static void apply(Cpu* cpu, const Op* op, V128 source) { compute_in_software<O, ToXmm>(cpu, op, source); }
};

}  // namespace tsbhyve::soft::sse
