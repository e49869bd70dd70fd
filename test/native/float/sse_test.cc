// SPDX-License-Identifier: BSD-2-Clause
// Scalar SSE arithmetic, comparisons and conversions against the host: result bits and MXCSR flags under every rounding
// mode, denormals-are-zero and flush-to-zero; and the flags that stand when an unmasked exception traps.
#include "host_sse.h"

#if HOST_HAS_SSE

#include <bit>
#include <type_traits>

#include "../../../native/soft/float/arithmetic.h"
#include "../../../native/soft/float/compare.h"
#include "../../../native/soft/float/convert.h"
#include "../../../native/soft/float/integer.h"
#include "trap.h"

namespace {

using namespace tsbhyve::soft::fp;
using test::Random;

template <class T>
uint64_t bits_of(T value) {
  if constexpr (std::is_same_v<T, float>) return std::bit_cast<uint32_t>(value);
  if constexpr (std::is_same_v<T, double>) return std::bit_cast<uint64_t>(value);
  if constexpr (std::is_same_v<T, Float32> || std::is_same_v<T, Float64>) return value.bits;
  if constexpr (std::is_integral_v<T>) return static_cast<uint64_t>(static_cast<int64_t>(value));
}

float native(Float32 value) { return std::bit_cast<float>(value.bits); }
double native(Float64 value) { return std::bit_cast<double>(value.bits); }
int64_t native(int64_t value) { return value; }

struct Control {
  uint32_t mxcsr;

  Context context() const {
    Context result;
    result.rounding = static_cast<Rounding>(mxcsr >> 13 & 3);
    result.denormals_are_zero = (mxcsr & 0x40) != 0;
    result.flush_to_zero = (mxcsr & 0x8000) != 0;
    result.masks = static_cast<uint8_t>(mxcsr >> 7 & 0x3F);
    return result;
  }
};

Control draw_control(Random& random, uint32_t masks) {
  const uint32_t flush = random.below(4) == 0 ? 0x8000 : 0;
  const uint32_t zero = random.below(4) == 0 ? 0x40 : 0;
  return {random.below(4) << 13 | flush | zero | masks << 7};
}

template <class R, class S>
using Host = uint32_t (*)(uint32_t, R&, const S&);

struct Tester {
  Random& random;
  test::Report& report;
  Control control;
  bool trapping;

  // `initial` is the destination's first value: the left operand of two.
  template <class R, class I, class S, class O>
  void compare_with_host(const char* name, Host<R, S> host, I initial, S source, O operation) {
    Context context = control.context();
    const uint64_t ours = bits_of(operation(context));
    R result = static_cast<R>(initial);
    volatile bool trapped = false;
    uint32_t status = 0;
    if (trapping) {
      R* to = &result;
      status = test::run_catching([&, to] { return host(control.mxcsr, *to, source); }, trapped);
    } else {
      status = host(control.mxcsr, result, source);
    }
    const bool traps = (context.flags & ~context.masks & 0x3F) != 0;
    if ((status & 0x3F) == context.flags && traps == trapped && (traps || bits_of(result) == ours))
      return report.passed();
    report.failed("%s mxcsr %04x destination %016" PRIx64 " source %016" PRIx64 ": host %016" PRIx64
                  " flags %02x%s, ours %016" PRIx64 " flags %02x%s",
                  name, control.mxcsr, bits_of(initial), bits_of(source), bits_of(result), status & 0x3F,
                  trapped ? " trap" : "", ours, static_cast<unsigned>(context.flags), traps ? " trap" : "");
  }

  template <class F, class N>
  void arithmetic(const char* name, Host<N, N> host, F a, F b, F (*ours)(Context&, F, F)) {
    compare_with_host(name, host, native(a), native(b), [=](Context& context) { return ours(context, a, b); });
  }

  template <class F, class N, class Test>
  void relation(const char* name, Host<N, N> host, Comparison comparison, F a, F b, Test holds) {
    compare_with_host(name, host, native(a), native(b), [=](Context& context) {
      const bool yes = holds(compare(context, comparison, a, b));
      F mask{};
      if (yes) mask.bits = static_cast<decltype(mask.bits)>(~uint64_t{0});
      return mask;
    });
  }

  template <class N, class F>
  void integer(const char* name, Host<N, decltype(native(F{}))> host, F value, bool truncates) {
    compare_with_host(name, host, N{0}, native(value), [=](Context& context) {
      const IntegerWidth width = sizeof(N) == 4 ? IntegerWidth::doubleword : IntegerWidth::quadword;
      return to_integer(context, truncates ? Rounding::zero : context.rounding, width, unpack(context, value));
    });
  }
};

bool is_less(Relation relation) { return relation == Relation::less; }
bool is_equal(Relation relation) { return relation == Relation::equal; }
bool is_unordered(Relation relation) { return relation == Relation::unordered; }

void check_single(Tester& t, Float32 a, Float32 b) {
  using namespace test;
  t.arithmetic("addss", host::addss, a, b, add<Float32>);
  t.arithmetic("subss", host::subss, a, b, subtract<Float32>);
  t.arithmetic("mulss", host::mulss, a, b, multiply<Float32>);
  t.arithmetic("divss", host::divss, a, b, divide<Float32>);
  t.arithmetic(
      "sqrtss", host::sqrtss, a, b, +[](Context& c, Float32, Float32 v) { return square_root(c, v); });
  t.relation("cmpltss", host::cmpltss, Comparison::signaling, a, b, is_less);
  t.relation("cmpeqss", host::cmpeqss, Comparison::quiet, a, b, is_equal);
  t.relation("cmpunordss", host::cmpunordss, Comparison::quiet, a, b, is_unordered);
  t.arithmetic(
      "roundss", host::roundss, a, b,
      +[](Context& c, Float32, Float32 v) { return round_to_integral<Float32>(c, c.rounding, unpack(c, v)); });
  t.integer<int64_t>("cvtss2si", host::cvtss2si, a, false);
  t.integer<int64_t>("cvttss2si", host::cvttss2si, a, true);
  t.compare_with_host("cvtss2sd", host::cvtss2sd, 0.0, native(a),
                      [a](Context& c) { return convert<Float64>(c, unpack(c, a)); });
}

void check_double(Tester& t, Float64 a, Float64 b) {
  using namespace test;
  t.arithmetic("addsd", host::addsd, a, b, add<Float64>);
  t.arithmetic("subsd", host::subsd, a, b, subtract<Float64>);
  t.arithmetic("mulsd", host::mulsd, a, b, multiply<Float64>);
  t.arithmetic("divsd", host::divsd, a, b, divide<Float64>);
  t.arithmetic(
      "sqrtsd", host::sqrtsd, a, b, +[](Context& c, Float64, Float64 v) { return square_root(c, v); });
  t.relation("cmpltsd", host::cmpltsd, Comparison::signaling, a, b, is_less);
  t.relation("cmpeqsd", host::cmpeqsd, Comparison::quiet, a, b, is_equal);
  t.relation("cmpunordsd", host::cmpunordsd, Comparison::quiet, a, b, is_unordered);
  t.arithmetic(
      "roundsd", host::roundsd, a, b,
      +[](Context& c, Float64, Float64 v) { return round_to_integral<Float64>(c, c.rounding, unpack(c, v)); });
  t.integer<int64_t>("cvtsd2si", host::cvtsd2si, a, false);
  t.integer<int64_t>("cvttsd2si", host::cvttsd2si, a, true);
  t.integer<int32_t>("cvtsd2si32", host::cvtsd2si32, a, false);
  t.compare_with_host("cvtsd2ss", host::cvtsd2ss, 0.0F, native(a),
                      [a](Context& c) { return convert<Float32>(c, unpack(c, a)); });
}

void check_integers(Tester& t) {
  const auto value = static_cast<int64_t>(test::edge_bits(t.random));
  t.compare_with_host("cvtsi2ss", test::host::cvtsi2ss, 0.0F, native(value),
                      [value](Context& c) { return from_integer<Float32>(c, value); });
  t.compare_with_host("cvtsi2sd", test::host::cvtsi2sd, 0.0, native(value),
                      [value](Context& c) { return from_integer<Float64>(c, value); });
}

void check_once(Tester& t) {
  Float32 a = test::edge32(t.random);
  Float32 b = test::edge32(t.random);
  if (t.random.below(4) == 0) b.bits = a.bits ^ static_cast<uint32_t>(test::edge_bits(t.random) & 0x81800003);
  check_single(t, a, b);
  Float64 c = test::edge64(t.random);
  Float64 d = test::edge64(t.random);
  if (t.random.below(4) == 0) d.bits = c.bits ^ (test::edge_bits(t.random) & 0x8030000000000003);
  check_double(t, c, d);
  // Doubles within the reach of singles, for CVTSD2SS.
  c.bits = (c.bits & 0x800FFFFFFFFFFFFF) | uint64_t{1023 - 160 + t.random.below(300)} << 52;
  check_double(t, c, d);
  check_integers(t);
}

}  // namespace

int main(int argc, char** argv) {
  test::Report report("sse");
  Random random(0x7373'6521'7373'6521);
  const uint64_t count = test::rounds(argc, argv, 100'000);
  for (uint64_t i = 0; i < count; i++) {
    Tester masked{random, report, draw_control(random, 0x3F), false};
    check_once(masked);
  }
  test::catch_traps();
  for (uint64_t i = 0; i < count / 32; i++) {
    Tester unmasked{random, report, draw_control(random, random.below(64)), true};
    check_once(unmasked);
  }
  return report.finish();
}

#else

#include <cstdio>

int main() {
  std::printf("sse: skipped, the host has no SSE to compare with\n");
  return 0;
}

#endif
