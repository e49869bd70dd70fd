// SPDX-License-Identifier: BSD-2-Clause
// Single instructions of an x86-64 host, as classes that tests can pass about.
#pragma once

#include "soft/sse/lanes.h"

namespace test::host_code {

using tsbhyve::soft::u32;
using tsbhyve::soft::u64;
using tsbhyve::soft::u8;
using tsbhyve::soft::sse::V128;

#define HOST_XMM(Name, text)                           \
  struct Name {                                        \
    static constexpr const char* name = text;          \
    static V128 run(V128 a, V128 b) {                  \
      asm volatile(text " %1, %0" : "+x"(a) : "x"(b)); \
      return a;                                        \
    }                                                  \
  };

/// Also in its MMX form.
#define HOST_BOTH(Name, text)                                                                            \
  struct Name {                                                                                          \
    static constexpr const char* name = text;                                                            \
    static V128 run(V128 a, V128 b) {                                                                    \
      asm volatile(text " %1, %0" : "+x"(a) : "x"(b));                                                   \
      return a;                                                                                          \
    }                                                                                                    \
    static u64 run(u64 a, u64 b) {                                                                       \
      asm volatile("movq %0, %%mm0\n\tmovq %1, %%mm1\n\t" text " %%mm1, %%mm0\n\tmovq %%mm0, %0\n\temms" \
                   : "+r"(a)                                                                             \
                   : "r"(b)                                                                              \
                   : "mm0", "mm1", "st");                                                                \
      return a;                                                                                          \
    }                                                                                                    \
  };

/// With an immediate, which must be a constant.
#define HOST_XMM_IMMEDIATE(Name, text)                                     \
  struct Name {                                                            \
    static constexpr const char* name = text;                              \
    template <u8 immediate>                                                \
    static V128 run(V128 a, V128 b) {                                      \
      asm volatile(text " %2, %1, %0" : "+x"(a) : "x"(b), "i"(immediate)); \
      return a;                                                            \
    }                                                                      \
  };

}  // namespace test::host_code
