// SPDX-License-Identifier: BSD-2-Clause
// The transcendental functions: known values to the last bit, special operands by the SDM's tables, and the host's x87
// to within one unit in the last place, with equal exception flags where the SDM defines them.
#include "../../../native/soft/float/transcendental.h"

#include <initializer_list>

#include "../host_kind.h"
#include "check.h"
#include "host_x87.h"
#include "transcendental_values.h"

namespace {

using namespace tsbhyve::soft::fp;
using test::Function;
using test::Random;

struct Result {
  Float80 value;
  bool out_of_range;
};

Result run(Context& context, Function function, const Float80& left, const Float80& right) {
  const Unpacked x = unpack(context, left);
  const Unpacked y = unpack(context, right);
  const auto circular = [](const Circular& result) { return Result{result.value, result.out_of_range}; };
  switch (function) {
    case Function::sine: return circular(sine(context, x));
    case Function::cosine: return circular(cosine(context, x));
    case Function::tangent: return circular(tangent(context, x));
    case Function::exponential: return {exponential_minus_one(context, x), false};
    case Function::arctangent: return {arctangent(context, y, x), false};
    case Function::logarithm: return {logarithm(context, y, x), false};
    default: return {logarithm_plus_one(context, y, x), false};
  }
}

bool same(const Float80& a, const Float80& b) {
  return a.significand == b.significand && a.sign_exponent == b.sign_exponent;
}

void check_known_values(test::Report& report) {
  for (const test::Known& known : test::known_values) {
    Context context;
    context.rounding = known.rounding;
    const Float80 value = run(context, known.function, known.x, known.y).value;
    if (same(value, known.result) && context.flags == inexact) {
      report.passed();
    } else {
      report.failed("function %d of %04x:%016" PRIx64 " %04x:%016" PRIx64 ": expected %04x:%016" PRIx64
                    ", got %04x:%016" PRIx64,
                    static_cast<int>(known.function), known.x.sign_exponent, known.x.significand, known.y.sign_exponent,
                    known.y.significand, known.result.sign_exponent, known.result.significand, value.sign_exponent,
                    value.significand);
    }
  }
}

constexpr Float80 zero{0, 0}, minus_zero{0, 0x8000}, one{integer_bit, 0x3FFF}, minus_one{integer_bit, 0xBFFF};
constexpr Float80 two{integer_bit, 0x4000}, half{integer_bit, 0x3FFE}, minus_half{integer_bit, 0xBFFE};
constexpr Float80 infinite{integer_bit, 0x7FFF}, minus_infinite{integer_bit, 0xFFFF};
constexpr Float80 indefinite{integer_bit | quiet_bit, 0xFFFF}, range{integer_bit, 0x403E};
constexpr Float80 pi{0xC90FDAA22168C235, 0x4000}, minus_pi{0xC90FDAA22168C235, 0xC000};
constexpr Float80 half_pi{0xC90FDAA22168C235, 0x3FFF}, quarter_pi{0xC90FDAA22168C235, 0x3FFE};
constexpr Float80 three_quarter_pi{0x96CBE3F9990E91A8, 0x4000};

struct Special {
  Function function;
  Float80 x, y, result;
  uint8_t flags;
  bool out_of_range;
};

constexpr Special specials[] = {
    {Function::sine, minus_zero, zero, minus_zero, 0, false},
    {Function::sine, infinite, zero, indefinite, invalid, false},
    {Function::sine, range, zero, range, 0, true},
    {Function::cosine, minus_zero, zero, one, 0, false},
    {Function::cosine, minus_infinite, zero, indefinite, invalid, false},
    {Function::tangent, minus_zero, zero, minus_zero, 0, false},
    {Function::exponential, minus_zero, zero, minus_zero, 0, false},
    {Function::exponential, one, zero, one, 0, false},
    {Function::exponential, minus_one, zero, minus_half, 0, false},
    {Function::arctangent, one, minus_zero, minus_zero, 0, false},
    {Function::arctangent, minus_one, zero, pi, inexact, false},
    {Function::arctangent, minus_zero, minus_zero, minus_pi, inexact, false},
    {Function::arctangent, zero, one, half_pi, inexact, false},
    {Function::arctangent, one, one, quarter_pi, inexact, false},
    {Function::arctangent, infinite, infinite, quarter_pi, inexact, false},
    {Function::arctangent, minus_infinite, infinite, three_quarter_pi, inexact, false},
    {Function::arctangent, minus_infinite, one, pi, inexact, false},
    {Function::logarithm, minus_one, one, indefinite, invalid, false},
    {Function::logarithm, zero, one, minus_infinite, zero_divide, false},
    {Function::logarithm, zero, zero, indefinite, invalid, false},
    {Function::logarithm, zero, infinite, minus_infinite, 0, false},
    {Function::logarithm, one, infinite, indefinite, invalid, false},
    {Function::logarithm, one, minus_one, minus_zero, 0, false},
    {Function::logarithm, half, two, {integer_bit, 0xC000}, 0, false},
    {Function::logarithm, infinite, zero, indefinite, invalid, false},
    {Function::logarithm, infinite, minus_one, minus_infinite, 0, false},
    {Function::logarithm_plus_one, minus_zero, one, minus_zero, 0, false},
    {Function::logarithm_plus_one, zero, infinite, indefinite, invalid, false},
};

void check_specials(test::Report& report) {
  for (const Special& special : specials) {
    Context context;
    const Result result = run(context, special.function, special.x, special.y);
    if (same(result.value, special.result) && context.flags == special.flags &&
        result.out_of_range == special.out_of_range) {
      report.passed();
    } else {
      report.failed("special case %td: expected %04x:%016" PRIx64 " flags %02x, got %04x:%016" PRIx64 " flags %02x",
                    &special - specials, special.result.sign_exponent, special.result.significand,
                    static_cast<unsigned>(special.flags), result.value.sign_exponent, result.value.significand,
                    static_cast<unsigned>(context.flags));
    }
  }
}

#if HOST_HAS_X87

constexpr unsigned c2 = 0x0400;

bool is_denormal(const Float80& value) { return (value.sign_exponent & 0x7FFF) == 0; }

// Encodings of one sign are ordered like integers of 79 bits.
bool within_one_unit(const Float80& a, const Float80& b) {
  if (((a.sign_exponent ^ b.sign_exponent) & 0x8000) != 0) return false;
  // Denormals have the unit of the smallest normal numbers.
  const bool same_unit = (a.sign_exponent | 1) == (b.sign_exponent | 1) && (is_denormal(a) || is_denormal(b));
  if (a.sign_exponent == b.sign_exponent || same_unit) return a.significand - b.significand + 1 <= 2;
  const Float80& larger = a.sign_exponent > b.sign_exponent ? a : b;
  const Float80& smaller = a.sign_exponent > b.sign_exponent ? b : a;
  return larger.sign_exponent - smaller.sign_exponent == 1 && larger.significand == integer_bit &&
         smaller.significand == ~uint64_t{0};
}

test::host::Outcome run_on_host(uint16_t control, Function function, const Float80& x, const Float80& y) {
  using namespace test;
  switch (function) {
    case Function::sine: return host::sine(control, x, y);
    case Function::cosine: return host::cosine(control, x, y);
    case Function::tangent: {
      host::Outcome outcome = host::tangent(control, x, y);
      // On success 1.0 was pushed above the tangent.
      if (same(outcome.top, one)) outcome.top = outcome.next;
      return outcome;
    }
    case Function::exponential: return host::exponential(control, x, y);
    case Function::arctangent: return host::arctangent(control, x, y);
    case Function::logarithm: return host::logarithm(control, x, y);
    default: return host::logarithm_plus_one(control, x, y);
  }
}

// Where the SDM leaves the result undefined.
bool is_undefined(Function function, const Unpacked& x) {
  if (!x.is_finite())
    return x.is_infinity() && (function == Function::exponential || function == Function::logarithm_plus_one);
  return (function == Function::exponential && x.exponent >= 0) ||
         (function == Function::logarithm_plus_one && x.exponent >= -2);
}

// What a result just inside the range does not raise, and one just outside does. Intel's last bit decides otherwise
// than ours, and so do its flags.
unsigned at_the_ends(const Float80& theirs, const Float80& ours) {
  const bool is_largest = theirs.significand == ~uint64_t{0} && (theirs.sign_exponent & 0x7FFF) == 0x7FFE;
  return (is_denormal(theirs) != is_denormal(ours) ? 0U + underflow : 0U) | (is_largest ? 0U + overflow : 0U);
}

void check_against_host(Random& random, test::Report& report) {
  Float80 x = test::edge80(random);
  const Float80 y = test::edge80(random);
  if (random.below(4) != 0) {
    x.significand |= integer_bit;
    x.sign_exponent = static_cast<uint16_t>((x.sign_exponent & 0x8000) | (0x3FFF - 20 + random.below(30)));
  }
  const auto control = static_cast<uint16_t>(random.below(4) << 10 | 0x33F);
  for (const Function function : {Function::sine, Function::cosine, Function::tangent, Function::exponential,
                                  Function::arctangent, Function::logarithm, Function::logarithm_plus_one}) {
    Context context;
    context.rounding = static_cast<Rounding>(control >> 10 & 3);
    if (is_undefined(function, unpack(context, x))) continue;
    const Result result = run(context, function, x, y);
    const test::host::Outcome outcome = run_on_host(control, function, x, y);
    // Processors differ in whether an exact result reports precision, and with it underflow.
    unsigned compared = 0x3FU & ~(context.raised(inexact) ? 0U + inexact : 0U + inexact + underflow);
    if (test::host_kind().intel) compared &= ~at_the_ends(outcome.top, result.value);
    const unsigned ours = (context.flags & compared) | (result.out_of_range ? c2 : 0U);
    const unsigned theirs = outcome.status & (c2 | compared);
    if (ours == theirs && within_one_unit(outcome.top, result.value)) {
      report.passed();
      continue;
    }
    report.failed("function %d control %04x x %04x:%016" PRIx64 " y %04x:%016" PRIx64 ": host %04x:%016" PRIx64
                  " status %04x, ours %04x:%016" PRIx64 " status %04x",
                  static_cast<int>(function), control, x.sign_exponent, x.significand, y.sign_exponent, y.significand,
                  outcome.top.sign_exponent, outcome.top.significand, theirs, result.value.sign_exponent,
                  result.value.significand, ours);
  }
}

#else

void check_against_host(Random&, test::Report&) {}

#endif

}  // namespace

int main(int argc, char** argv) {
  test::Report report("transcendental");
  check_known_values(report);
  check_specials(report);
  if (!HOST_HAS_X87) std::printf("transcendental: comparison skipped, the host has no x87\n");
  Random random(0x7069'7069'7069'7069);
  const uint64_t count = HOST_HAS_X87 ? test::rounds(argc, argv, 20'000) : 0;
  for (uint64_t i = 0; i < count; i++) check_against_host(random, report);
  return report.finish();
}
