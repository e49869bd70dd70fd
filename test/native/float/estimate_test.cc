// SPDX-License-Identifier: BSD-2-Clause
// RCPSS and RSQRTSS: the error bound over every reachable significand, the number of significant bits, and the special
// operands against the host.
#include "../../../native/soft/float/estimate.h"

#include <bit>
#include <cmath>
#include <iterator>

#include "check.h"
#include "host_sse.h"

namespace {

using namespace tsbhyve::soft::fp;

constexpr double bound = 1.0 / 4096;               // 2^-12
constexpr uint32_t significant_bits = 0xFFFFF000;  // sign, exponent and 11 stored fraction bits

double as_double(Float32 value) { return static_cast<double>(std::bit_cast<float>(value.bits)); }

void check_bound(test::Report& report, Float32 value) {
  const double x = as_double(value);
  const Float32 reciprocal = reciprocal_estimate(value);
  const Float32 root = reciprocal_root_estimate(value);
  const double reciprocal_error = std::fabs(as_double(reciprocal) * x - 1);
  const double root_error = std::fabs(as_double(root) * std::sqrt(x) - 1);
  if (reciprocal_error <= bound && root_error <= bound && ((reciprocal.bits | root.bits) & ~significant_bits) == 0) {
    report.passed();
  } else {
    report.failed("estimates of %08x: %08x error %g, %08x error %g", value.bits, reciprocal.bits, reciprocal_error,
                  root.bits, root_error);
  }
}

void check_special(test::Report& report, const char* name, Float32 value, uint32_t expected, Float32 result) {
  if (result.bits == expected) {
    report.passed();
  } else {
    report.failed("%s of %08x: expected %08x, got %08x", name, value.bits, expected, result.bits);
  }
}

constexpr Float32 specials[] = {{0x00000000}, {0x80000000}, {0x00000001}, {0x807FFFFF}, {0x7F800000}, {0xFF800000},
                                {0x7F800001}, {0xFFBFFFFF}, {0x7FC12345}, {0x7F7FFFFF}, {0xFF7FFFFF}};
// SDM volume 2, RCPSS and RSQRTSS: denormals act as zeros, tiny results are zeros.
constexpr uint32_t reciprocals[] = {0x7F800000, 0xFF800000, 0x7F800000, 0xFF800000, 0x00000000, 0x80000000,
                                    0x7FC00001, 0xFFFFFFFF, 0x7FC12345, 0x00000000, 0x80000000};
constexpr uint32_t roots[] = {0x7F800000, 0xFF800000, 0x7F800000, 0xFF800000, 0x00000000, 0xFFC00000,
                              0x7FC00001, 0xFFFFFFFF, 0x7FC12345, 0x1F800000, 0xFFC00000};

#if HOST_HAS_SSE

void compare_special_with_host(test::Report& report, Float32 value) {
  const float operand = std::bit_cast<float>(value.bits);
  float reciprocal = 0;
  float root = 0;
  test::host::rcpss(0x1F80, reciprocal, operand);
  test::host::rsqrtss(0x1F80, root, operand);
  check_special(report, "rcpss on the host", value, std::bit_cast<uint32_t>(reciprocal), reciprocal_estimate(value));
  check_special(report, "rsqrtss on the host", value, std::bit_cast<uint32_t>(root), reciprocal_root_estimate(value));
}

#else

void compare_special_with_host(test::Report&, Float32) {}

#endif

}  // namespace

int main(int argc, char** argv) {
  test::Report report("estimate");
  const auto step = static_cast<uint32_t>(test::rounds(argc, argv, 61));
  // Two binades, so that roots of odd and even exponents occur.
  for (uint32_t bits = 0x3F800000; bits < 0x40800000; bits += step) check_bound(report, {bits});
  for (size_t i = 0; i < std::size(specials); i++) {
    check_special(report, "reciprocal", specials[i], reciprocals[i], reciprocal_estimate(specials[i]));
    check_special(report, "reciprocal root", specials[i], roots[i], reciprocal_root_estimate(specials[i]));
    // The last two are numbers, for which hosts differ.
    if (i + 2 < std::size(specials)) compare_special_with_host(report, specials[i]);
  }
  if (!HOST_HAS_SSE) std::printf("estimate: comparison skipped, the host has no SSE\n");
  return report.finish();
}
