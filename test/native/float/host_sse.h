// SPDX-License-Identifier: BSD-2-Clause
// Single SSE instructions of the host under a given MXCSR.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define HOST_HAS_SSE 1

#include <cstdint>

#include "check.h"

namespace test::host {

// Runs `operation` (destination %0, source %1) with MXCSR loaded, and returns the MXCSR afterwards. A trapping
// operation leaves `flags_at_trap` (trap.h) instead.
#define HOST_SSE(name, result_type, result_class, source_type, source_class, operation)                            \
  inline uint32_t name(uint32_t control, result_type& result, const source_type& source) {                         \
    uint32_t saved = 0;                                                                                            \
    uint32_t after = 0;                                                                                            \
    auto destination = result;                                                                                     \
    asm volatile("stmxcsr %[saved]\n\tldmxcsr %[control]\n\t" operation "\n\tstmxcsr %[after]\n\tldmxcsr %[saved]" \
                 : [to] "+" result_class(destination), [saved] "+m"(saved), [after] "+m"(after)                    \
                 : [from] source_class(source), [control] "m"(control)                                             \
                 : "cc");                                                                                          \
    result = destination;                                                                                          \
    return after;                                                                                                  \
  }

HOST_SSE(addss, float, "x", float, "x", "addss %[from], %[to]")
HOST_SSE(subss, float, "x", float, "x", "subss %[from], %[to]")
HOST_SSE(mulss, float, "x", float, "x", "mulss %[from], %[to]")
HOST_SSE(divss, float, "x", float, "x", "divss %[from], %[to]")
HOST_SSE(sqrtss, float, "x", float, "x", "sqrtss %[from], %[to]")
HOST_SSE(addsd, double, "x", double, "x", "addsd %[from], %[to]")
HOST_SSE(subsd, double, "x", double, "x", "subsd %[from], %[to]")
HOST_SSE(mulsd, double, "x", double, "x", "mulsd %[from], %[to]")
HOST_SSE(divsd, double, "x", double, "x", "divsd %[from], %[to]")
HOST_SSE(sqrtsd, double, "x", double, "x", "sqrtsd %[from], %[to]")
HOST_SSE(cvtss2sd, double, "x", float, "x", "cvtss2sd %[from], %[to]")
HOST_SSE(cvtsd2ss, float, "x", double, "x", "cvtsd2ss %[from], %[to]")
HOST_SSE(cvtss2si, int64_t, "r", float, "x", "cvtss2si %[from], %[to]")
HOST_SSE(cvttss2si, int64_t, "r", float, "x", "cvttss2si %[from], %[to]")
HOST_SSE(cvtsd2si, int64_t, "r", double, "x", "cvtsd2si %[from], %[to]")
HOST_SSE(cvttsd2si, int64_t, "r", double, "x", "cvttsd2si %[from], %[to]")
HOST_SSE(cvtsd2si32, int32_t, "r", double, "x", "cvtsd2si %[from], %[to]")
HOST_SSE(cvtsi2ss, float, "x", int64_t, "r", "cvtsi2ssq %[from], %[to]")
HOST_SSE(cvtsi2sd, double, "x", int64_t, "r", "cvtsi2sdq %[from], %[to]")
HOST_SSE(rcpss, float, "x", float, "x", "rcpss %[from], %[to]")
HOST_SSE(rsqrtss, float, "x", float, "x", "rsqrtss %[from], %[to]")
// CMPxx leaves all ones or zeros in the destination.
HOST_SSE(cmpltss, float, "x", float, "x", "cmpltss %[from], %[to]")
HOST_SSE(cmpeqss, float, "x", float, "x", "cmpeqss %[from], %[to]")
HOST_SSE(cmpunordss, float, "x", float, "x", "cmpunordss %[from], %[to]")
HOST_SSE(cmpltsd, double, "x", double, "x", "cmpltsd %[from], %[to]")
HOST_SSE(cmpeqsd, double, "x", double, "x", "cmpeqsd %[from], %[to]")
HOST_SSE(cmpunordsd, double, "x", double, "x", "cmpunordsd %[from], %[to]")
// SSE4.1; the immediate 4 takes the mode from MXCSR.
HOST_SSE(roundss, float, "x", float, "x", "roundss $4, %[from], %[to]")
HOST_SSE(roundsd, double, "x", double, "x", "roundsd $4, %[from], %[to]")
#undef HOST_SSE

}  // namespace test::host

#else
#define HOST_HAS_SSE 0
#endif
