// SPDX-License-Identifier: BSD-2-Clause
// Floating-point SIMD instructions of an x86-64 host, run under the MXCSR of host/rounding.h. Assembly, not intrinsics: the
// compiler may swap the operands of those that commute, which changes NaN results, and may move them across changes of
// MXCSR. sse/float_software.h has the software twin of every one.
#pragma once

#include "soft/sse/lanes.h"

namespace tsbhyve::soft::host {

using sse::V128;

#if defined(__x86_64__)

inline constexpr bool has_simd = true;

#define HOST_BINARY(name, text)                                                 \
  [[gnu::always_inline]] static inline V128 name(V128 a, V128 b) {              \
    asm volatile(text " %1, %0" : "+x"(a) : "x"(b));                            \
    return a;                                                                   \
  }

#define HOST_ARITHMETIC(Name, text) \
  struct Name {                     \
    HOST_BINARY(ps, text "ps")      \
    HOST_BINARY(pd, text "pd")      \
    HOST_BINARY(ss, text "ss")      \
    HOST_BINARY(sd, text "sd")      \
  };

HOST_ARITHMETIC(Add, "add")
HOST_ARITHMETIC(Subtract, "sub")
HOST_ARITHMETIC(Multiply, "mul")
HOST_ARITHMETIC(Divide, "div")
HOST_ARITHMETIC(Minimum, "min")
HOST_ARITHMETIC(Maximum, "max")
HOST_ARITHMETIC(SquareRoot, "sqrt")
HOST_ARITHMETIC(Equal, "cmpeq")
HOST_ARITHMETIC(Less, "cmplt")
HOST_ARITHMETIC(LessOrEqual, "cmple")
HOST_ARITHMETIC(Unordered, "cmpunord")
HOST_ARITHMETIC(NotEqual, "cmpneq")
HOST_ARITHMETIC(NotLess, "cmpnlt")
HOST_ARITHMETIC(NotLessOrEqual, "cmpnle")
HOST_ARITHMETIC(Ordered, "cmpord")

struct Convert {
  HOST_BINARY(ps_from_dq, "cvtdq2ps")
  HOST_BINARY(pd_from_dq, "cvtdq2pd")
  HOST_BINARY(pd_from_ps, "cvtps2pd")
  HOST_BINARY(ps_from_pd, "cvtpd2ps")
  HOST_BINARY(sd_from_ss, "cvtss2sd")
  HOST_BINARY(ss_from_sd, "cvtsd2ss")
  HOST_BINARY(dq_from_ps, "cvtps2dq")
  HOST_BINARY(dq_from_pd, "cvtpd2dq")
  HOST_BINARY(truncated_dq_from_ps, "cvttps2dq")
  HOST_BINARY(truncated_dq_from_pd, "cvttpd2dq")
};

/// General register to scalar; the rest of `a` stays.
#define HOST_FROM_GENERAL(name, text, T)                                   \
  [[gnu::always_inline]] inline V128 name(V128 a, T b) {                   \
    asm volatile(text " %1, %0" : "+x"(a) : "r"(b));                       \
    return a;                                                              \
  }
HOST_FROM_GENERAL(ss_from_general, "cvtsi2ssl", u32)
HOST_FROM_GENERAL(ss_from_general, "cvtsi2ssq", u64)
HOST_FROM_GENERAL(sd_from_general, "cvtsi2sdl", u32)
HOST_FROM_GENERAL(sd_from_general, "cvtsi2sdq", u64)

#define HOST_TO_GENERAL(name, text)                                        \
  template <class T>                                                       \
  [[gnu::always_inline]] inline T name(V128 a) {                           \
    T result;                                                              \
    asm volatile(text " %1, %0" : "=r"(result) : "x"(a));                  \
    return result;                                                         \
  }
HOST_TO_GENERAL(general_from_ss, "cvtss2si")
HOST_TO_GENERAL(general_from_sd, "cvtsd2si")
HOST_TO_GENERAL(truncated_general_from_ss, "cvttss2si")
HOST_TO_GENERAL(truncated_general_from_sd, "cvttsd2si")

/// ZF, PF and CF as EFLAGS bits.
#define HOST_COMPARE(name, text)                                                                                    \
  [[gnu::always_inline]] inline u32 name(V128 a, V128 b) {                                                          \
    bool zero, parity, carry;                                                                                       \
    asm volatile(text " %4, %3" : "=@ccz"(zero), "=@ccp"(parity), "=@ccc"(carry) : "x"(a), "x"(b));                 \
    return (zero ? flag_zf : 0) | (parity ? flag_pf : 0) | (carry ? flag_cf : 0);                                   \
  }
HOST_COMPARE(comiss, "comiss")
HOST_COMPARE(comisd, "comisd")
HOST_COMPARE(ucomiss, "ucomiss")
HOST_COMPARE(ucomisd, "ucomisd")

#undef HOST_BINARY
#undef HOST_ARITHMETIC
#undef HOST_FROM_GENERAL
#undef HOST_TO_GENERAL
#undef HOST_COMPARE

#else

inline constexpr bool has_simd = false;

#endif

}  // namespace tsbhyve::soft::host
