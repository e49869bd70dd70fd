// SPDX-License-Identifier: BSD-2-Clause
// Single x87 instructions of the host, with their complete outcome. Nothing here traps: FNSTSW and FNCLEX do not wait,
// and after FNCLEX nothing is pending.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define HOST_HAS_X87 1

#include <cstdint>

#include "check.h"

namespace test::host {

struct Outcome {
  Float80 top;   // ST(0)
  Float80 next;  // ST(1)
  uint16_t status;
};

struct Decimal {
  uint8_t bytes[10];
};

// `operation` with a in ST(0) and b in ST(1).
#define HOST_X87_REGISTERS(name, operation)                                                            \
  inline Outcome name(uint16_t control, const Float80& a, const Float80& b) {                          \
    Outcome outcome{};                                                                                 \
    asm volatile("fninit\n\tfldcw %[control]\n\tfldt %[b]\n\tfldt %[a]\n\tfnclex\n\t" operation        \
                 "\n\tfnstsw %[status]\n\tfnclex\n\tfstpt %[top]\n\tfnclex\n\tfstpt %[next]\n\tfninit" \
                 : [status] "=m"(outcome.status), [top] "=m"(outcome.top), [next] "=m"(outcome.next)   \
                 : [control] "m"(control), [a] "m"(a), [b] "m"(b));                                    \
    return outcome;                                                                                    \
  }

HOST_X87_REGISTERS(add, "fadd %%st(1), %%st")
HOST_X87_REGISTERS(subtract, "fsub %%st(1), %%st")
HOST_X87_REGISTERS(reverse_subtract, "fsubr %%st(1), %%st")
HOST_X87_REGISTERS(multiply, "fmul %%st(1), %%st")
HOST_X87_REGISTERS(divide, "fdiv %%st(1), %%st")
HOST_X87_REGISTERS(square_root, "fsqrt")
HOST_X87_REGISTERS(compare, "fcom %%st(1)")
HOST_X87_REGISTERS(compare_quiet, "fucom %%st(1)")
HOST_X87_REGISTERS(remainder, "fprem")
HOST_X87_REGISTERS(remainder_nearest, "fprem1")
HOST_X87_REGISTERS(scale, "fscale")
HOST_X87_REGISTERS(extract, "fxtract")
HOST_X87_REGISTERS(round_to_integral, "frndint")
HOST_X87_REGISTERS(exponential, "f2xm1")
HOST_X87_REGISTERS(sine, "fsin")
HOST_X87_REGISTERS(cosine, "fcos")
HOST_X87_REGISTERS(tangent, "fptan")
HOST_X87_REGISTERS(load_one, "fld1")
HOST_X87_REGISTERS(load_log2_10, "fldl2t")
HOST_X87_REGISTERS(load_log2_e, "fldl2e")
HOST_X87_REGISTERS(load_pi, "fldpi")
HOST_X87_REGISTERS(load_log10_2, "fldlg2")
HOST_X87_REGISTERS(load_ln_2, "fldln2")
HOST_X87_REGISTERS(load_zero, "fldz")
#undef HOST_X87_REGISTERS

// The same for operations that pop.
#define HOST_X87_POPPING(name, operation)                                                       \
  inline Outcome name(uint16_t control, const Float80& a, const Float80& b) {                   \
    Outcome outcome{};                                                                          \
    asm volatile("fninit\n\tfldcw %[control]\n\tfldt %[b]\n\tfldt %[a]\n\tfnclex\n\t" operation \
                 "\n\tfnstsw %[status]\n\tfnclex\n\tfstpt %[top]\n\tfninit"                     \
                 : [status] "=m"(outcome.status), [top] "=m"(outcome.top)                       \
                 : [control] "m"(control), [a] "m"(a), [b] "m"(b));                             \
    return outcome;                                                                             \
  }

HOST_X87_POPPING(arctangent, "fpatan")
HOST_X87_POPPING(logarithm, "fyl2x")
HOST_X87_POPPING(logarithm_plus_one, "fyl2xp1")
#undef HOST_X87_POPPING

// `operation` with a in ST(0) and a memory operand.
#define HOST_X87_MEMORY(name, type, operation)                                     \
  inline Outcome name(uint16_t control, const Float80& a, const type& b) {         \
    Outcome outcome{};                                                             \
    asm volatile("fninit\n\tfldcw %[control]\n\tfldt %[a]\n\tfnclex\n\t" operation \
                 " %[b]\n\tfnstsw %[status]\n\tfnclex\n\tfstpt %[top]\n\tfninit"   \
                 : [status] "=m"(outcome.status), [top] "=m"(outcome.top)          \
                 : [control] "m"(control), [a] "m"(a), [b] "m"(b));                \
    return outcome;                                                                \
  }

HOST_X87_MEMORY(add32, Float32, "fadds")
HOST_X87_MEMORY(add64, Float64, "faddl")
HOST_X87_MEMORY(divide32, Float32, "fdivs")
HOST_X87_MEMORY(divide64, Float64, "fdivl")
HOST_X87_MEMORY(compare32, Float32, "fcoms")
HOST_X87_MEMORY(multiply_word, int16_t, "fimuls")
HOST_X87_MEMORY(multiply_doubleword, int32_t, "fimull")
HOST_X87_MEMORY(load32, Float32, "flds")
HOST_X87_MEMORY(load64, Float64, "fldl")
HOST_X87_MEMORY(load_word, int16_t, "filds")
HOST_X87_MEMORY(load_doubleword, int32_t, "fildl")
HOST_X87_MEMORY(load_quadword, int64_t, "fildll")
HOST_X87_MEMORY(load_decimal, Decimal, "fbld")
#undef HOST_X87_MEMORY

// Stores ST(0) = a into `to`, which keeps its old value if nothing is stored; returns the status word.
#define HOST_X87_STORE(name, type, operation)                                      \
  inline uint16_t name(uint16_t control, const Float80& a, type& to) {             \
    uint16_t status = 0;                                                           \
    asm volatile("fninit\n\tfldcw %[control]\n\tfldt %[a]\n\tfnclex\n\t" operation \
                 " %[to]\n\tfnstsw %[status]\n\tfninit"                            \
                 : [status] "=m"(status), [to] "+m"(to)                            \
                 : [control] "m"(control), [a] "m"(a));                            \
    return status;                                                                 \
  }

HOST_X87_STORE(store32, Float32, "fsts")
HOST_X87_STORE(store64, Float64, "fstl")
HOST_X87_STORE(store_word, int16_t, "fists")
HOST_X87_STORE(store_doubleword, int32_t, "fistl")
HOST_X87_STORE(store_quadword, int64_t, "fistpll")
HOST_X87_STORE(truncate_word, int16_t, "fisttps")
HOST_X87_STORE(truncate_quadword, int64_t, "fisttpll")

HOST_X87_STORE(store_decimal, Decimal, "fbstp")
#undef HOST_X87_STORE

}  // namespace test::host

#else
#define HOST_HAS_X87 0
#endif
