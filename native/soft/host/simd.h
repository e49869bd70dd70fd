// SPDX-License-Identifier: BSD-2-Clause
// Floating-point SIMD instructions of an x86-64 host, run under the MXCSR of host/rounding.h. Assembly, not intrinsics:
// the compiler may swap the operands of those that commute, which changes NaN results, and may move them across changes
// of MXCSR. sse/float_software.h has the software twin of every one.
#pragma once

#include "soft/sse/lanes.h"

namespace tsbhyve::soft::host {

using sse::V128;

#if defined(__x86_64__)
inline constexpr bool has_simd = true;
#define HOST_CODE(...) \
  { __VA_ARGS__ }
#else
inline constexpr bool has_simd = false;
#define HOST_CODE(...) \
  { __builtin_trap(); }
#endif

/// `a` is the destination, `b` the source; what the instruction does not write stays as in `a`.
#define HOST_BINARY(name, text)                                                                    \
  [[gnu::always_inline]] static inline V128 name([[maybe_unused]] V128 a, [[maybe_unused]] V128 b) \
      HOST_CODE(asm volatile(text " %1, %0"                                                        \
                             : "+x"(a)                                                             \
                             : "x"(b));                                                            \
                return a;)

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

#define HOST_FROM_GENERAL(name, text, T)                                                        \
  [[gnu::always_inline]] static inline V128 name([[maybe_unused]] V128 a, [[maybe_unused]] T b) \
      HOST_CODE(asm volatile(text " %1, %0"                                                     \
                             : "+x"(a)                                                          \
                             : "r"(b));                                                         \
                return a;)

  HOST_FROM_GENERAL(ss_from_general, "cvtsi2ssl", u32)
  HOST_FROM_GENERAL(ss_from_general, "cvtsi2ssq", u64)
  HOST_FROM_GENERAL(sd_from_general, "cvtsi2sdl", u32)
  HOST_FROM_GENERAL(sd_from_general, "cvtsi2sdq", u64)

#define HOST_TO_GENERAL(name, text)                                                                                    \
  template <class T>                                                                                                   \
  [[gnu::always_inline]] static inline T name([[maybe_unused]] V128 a) HOST_CODE(T result; asm volatile(text " %1, %0" \
                                                                                                        : "=r"(result) \
                                                                                                        : "x"(a));     \
                                                                                 return result;)

  HOST_TO_GENERAL(general_from_ss, "cvtss2si")
  HOST_TO_GENERAL(general_from_sd, "cvtsd2si")
  HOST_TO_GENERAL(truncated_general_from_ss, "cvttss2si")
  HOST_TO_GENERAL(truncated_general_from_sd, "cvttsd2si")
};

/// ZF, PF and CF as EFLAGS bits.
#define HOST_FLAGS(name, text)                                                                                    \
  [[gnu::always_inline]] static inline u32 name([[maybe_unused]] V128 a, [[maybe_unused]] V128 b)                 \
      HOST_CODE(bool zero; bool parity; bool carry; asm volatile(text " %4, %3"                                   \
                                                                 : "=@ccz"(zero), "=@ccp"(parity), "=@ccc"(carry) \
                                                                 : "x"(a), "x"(b));                               \
                return (zero ? flag_zf : 0) | (parity ? flag_pf : 0) | (carry ? flag_cf : 0);)

struct OrderedFlags {
  HOST_FLAGS(ss, "comiss")
  HOST_FLAGS(sd, "comisd")
};
struct UnorderedFlags {
  HOST_FLAGS(ss, "ucomiss")
  HOST_FLAGS(sd, "ucomisd")
};

#undef HOST_CODE
#undef HOST_BINARY
#undef HOST_ARITHMETIC
#undef HOST_FROM_GENERAL
#undef HOST_TO_GENERAL
#undef HOST_FLAGS

}  // namespace tsbhyve::soft::host
