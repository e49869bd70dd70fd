// SPDX-License-Identifier: BSD-2-Clause
// The SSE4.2 string comparisons with every control byte against the host: index and flags, with explicit and implicit
// lengths.
#include <utility>

#include "values.h"

#if defined(__x86_64__)

#include "soft/sse/string_compare.h"

namespace {

using namespace test;
using namespace tsbhyve::soft::sse;

constexpr u32 rounds = 400;

struct Outcome {
  u32 index;
  u32 flags;
};

/// Few different values, so that elements match, and zeros.
V128 text(Random& random) {
  V128 value{};
  for (u32 i = 0; i < 16; i++) {
    static constexpr u8 letters[] = {0, 1, 1, 2, 2, 3, 0x7f, 0x80, 0xff, 2};
    value[i / 8] |= u64{letters[random.below(10)]} << i % 8 * 8;
  }
  return random.below(4) ? value | 0x0101010101010101 : value;
}

template <u8 control>
Outcome host_implicit(V128 a, V128 b) {
  u32 index;
  bool carry, zero, sign, overflow;
  asm volatile("pcmpistri %7, %6, %5"
               : "=c"(index), "=@ccc"(carry), "=@ccz"(zero), "=@ccs"(sign), "=@cco"(overflow)
               : "x"(a), "x"(b), "i"(control));
  return {index, (carry ? flag_cf : 0) | (zero ? flag_zf : 0) | (sign ? flag_sf : 0) | (overflow ? flag_of : 0)};
}

template <u8 control>
Outcome host_explicit(V128 a, V128 b, u32 first_length, u32 second_length) {
  u32 index;
  bool carry, zero, sign, overflow;
  asm volatile("pcmpestri %7, %6, %5"
               : "=c"(index), "=@ccc"(carry), "=@ccz"(zero), "=@ccs"(sign), "=@cco"(overflow)
               : "x"(a), "x"(b), "i"(control), "a"(first_length), "d"(second_length));
  return {index, (carry ? flag_cf : 0) | (zero ? flag_zf : 0) | (sign ? flag_sf : 0) | (overflow ? flag_of : 0)};
}

u32 index_of(u32 result, u8 control) {
  if (result == 0) return control & 1 ? 8 : 16;
  u32 index = 0;
  for (u32 i = 0; i < 16; i++) {
    if (!(result >> i & 1)) continue;
    index = i;
    if (!(control & 0x40)) break;
  }
  return index;
}

template <u8 control>
void check(Report& report, Random& random) {
  const u32 count = control & 1 ? 8 : 16;
  for (u32 i = 0; i < rounds; i++) {
    const V128 a = text(random), b = text(random);
    const Outcome implicit = host_implicit<control>(a, b);
    const StringComparison got =
        compare_strings(a, b, implicit_length(a, control), implicit_length(b, control), control);
    report.equal<u32>("pcmpistri", control, a, b, implicit.index, implicit.flags, index_of(got.result, control),
                      got.flags);

    const u32 first = random.below(count + 1), second = random.below(count + 1);
    const Outcome expected = host_explicit<control>(a, b, first, second);
    const StringComparison found = compare_strings(a, b, first, second, control);
    report.equal<u32>("pcmpestri", control, a, b, expected.index, expected.flags, index_of(found.result, control),
                      found.flags);
  }
}

template <u8... control>
void check_all(Report& report, Random& random, std::integer_sequence<u8, control...>) {
  (check<control>(report, random), ...);
}

}  // namespace

int main() {
  if (!__builtin_cpu_supports("sse4.2")) {
    std::puts("sse strings: skipped, the host has no SSE4.2");
    return 0;
  }
  Report report;
  Random random;
  check_all(report, random, std::make_integer_sequence<u8, 128>());
  return report.finish("sse strings");
}

#else

int main() {
  std::puts("sse strings: skipped, the host is not x86-64");
  return 0;
}

#endif
