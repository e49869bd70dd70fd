// SPDX-License-Identifier: BSD-2-Clause
// Register arithmetic, comparisons and the exact operations against the host's x87: result bits, exception flags, C1
// and the condition codes, under every rounding mode and precision, masked and unmasked.
#include "../host_kind.h"
#include "host_x87.h"

#if HOST_HAS_X87

#include "../../../native/soft/float/arithmetic.h"
#include "../../../native/soft/float/compare.h"
#include "../../../native/soft/float/convert.h"
#include "../../../native/soft/float/integer.h"
#include "../../../native/soft/float/remainder.h"
#include "x87_case.h"

namespace {

using namespace tsbhyve::soft::fp;
using test::Case;
using test::Random;

constexpr unsigned c3_c2_c0 = 0x4500;

unsigned relation_codes(Relation relation) {
  switch (relation) {
    case Relation::less: return 0x0100;
    case Relation::equal: return 0x4000;
    case Relation::greater: return 0;
    default: return c3_c2_c0;
  }
}

using Binary = Float80 (*)(Context&, const Unpacked&, const Unpacked&);
using HostBinary = test::host::Outcome (*)(uint16_t, const Float80&, const Float80&);

void check_binary(Case& test_case, const char* name, HostBinary host, Binary ours) {
  const Float80 result = ours(test_case.context, test_case.a(), test_case.b());
  test_case.expect(name, host(test_case.control, test_case.left, test_case.right), result);
}

// A denormal number that stays as it is, as a remainder by infinity or scaled by zero: without underflow on Intel, even
// where that is unmasked.
bool keeps_denormal(const Case& c, bool unchanged) {
  const bool is_denormal = (c.left.sign_exponent & 0x7FFF) == 0 && c.left.significand != 0;
  return unchanged && test::host_kind().intel && is_denormal && (c.control & underflow) == 0;
}

void check_arithmetic(Random& random, test::Report& report) {
  using namespace test;
  Case c(random, report);
  check_binary(c, "fadd", host::add, add<Float80>);
  check_binary(c.again(), "fsub", host::subtract, subtract<Float80>);
  check_binary(c.again(), "fsubr", host::reverse_subtract,
               [](Context& context, const Unpacked& a, const Unpacked& b) { return subtract<Float80>(context, b, a); });
  check_binary(c.again(), "fmul", host::multiply, multiply<Float80>);
  check_binary(c.again(), "fdiv", host::divide, divide<Float80>);
  check_binary(c.again(), "fsqrt", host::square_root,
               [](Context& context, const Unpacked& a, const Unpacked&) { return square_root<Float80>(context, a); });
  check_binary(c.again(), "frndint", host::round_to_integral, [](Context& context, const Unpacked& a, const Unpacked&) {
    return round_to_integral<Float80>(context, context.rounding, a);
  });
  if (keeps_denormal(c, c.b().is_zero())) return;
  check_binary(c.again(), "fscale", host::scale, scale);
}

void check_compare(Random& random, test::Report& report) {
  Case c(random, report);
  if (random.below(8) == 0) c.right = c.left;
  Relation relation = compare(c.context, Comparison::signaling, c.a(), c.b());
  c.expect_codes("fcom", test::host::compare(c.control, c.left, c.right), relation_codes(relation), c3_c2_c0);
  relation = compare(c.again().context, Comparison::quiet, c.a(), c.b());
  c.expect_codes("fucom", test::host::compare_quiet(c.control, c.left, c.right), relation_codes(relation), c3_c2_c0);
}

unsigned remainder_codes(const Remainder& result) {
  if (result.incomplete) return 0x0400;
  const unsigned quotient = result.quotient;
  return (quotient & 4) << 6 | (quotient & 2) << 13 | (quotient & 1) << 9;
}

void check_remainder(Random& random, test::Report& report) {
  using namespace test;
  Case c(random, report);
  if (keeps_denormal(c, c.b().is_infinity())) return;
  Remainder result = remainder(c.context, Quotient::truncated, c.a(), c.b());
  c.expect_remainder("fprem", host::remainder(c.control, c.left, c.right), result.value, remainder_codes(result));
  result = remainder(c.again().context, Quotient::nearest, c.a(), c.b());
  c.expect_remainder("fprem1", host::remainder_nearest(c.control, c.left, c.right), result.value,
                     remainder_codes(result));
  const Extracted parts = extract(c.again().context, c.a());
  const host::Outcome outcome = host::extract(c.control, c.left, c.right);
  c.expect("fxtract", outcome, parts.significand);
  if (!c.stopped() && !Case::same(outcome.next, parts.exponent))
    c.fail("fxtract exponent", outcome.next, parts.exponent);
}

void check_constants(Random& random, test::Report& report) {
  using namespace test;
  static constexpr HostBinary loads[] = {host::load_one,     host::load_log2_10, host::load_log2_e, host::load_pi,
                                         host::load_log10_2, host::load_ln_2,    host::load_zero};
  for (unsigned i = 0; i < 7; i++) {
    Case c(random, report);
    c.expect("constant", loads[i](c.control, c.left, c.right), constant(c.context, static_cast<Constant>(i)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  test::Report report("x87");
  Random random(0x7453'6268'7976'6521);
  const uint64_t count = test::rounds(argc, argv, 200'000);
  for (uint64_t i = 0; i < count; i++) {
    check_arithmetic(random, report);
    check_compare(random, report);
    check_remainder(random, report);
    if (i % 64 == 0) check_constants(random, report);
  }
  return report.finish();
}

#else

#include <cstdio>

int main() {
  std::printf("x87: skipped, the host has no x87 to compare with\n");
  return 0;
}

#endif
