// SPDX-License-Identifier: BSD-2-Clause
// One random x87 state and the comparison of its outcome.
#pragma once

#include <cstring>

#include "../../../native/soft/float/unpacked.h"
#include "host_x87.h"

namespace test {

namespace fp = tsbhyve::soft::fp;

class Case {
 public:
  Case(Random& random, Report& report) : report_(report) {
    left = edge80(random);
    right = edge80(random);
    // Neighbouring exponents make sums cancel and quotients tie.
    if (random.below(2) == 0) {
      right.sign_exponent = static_cast<uint16_t>((left.sign_exponent + random.below(9) - 4) ^ (random.below(2) << 15));
      if ((right.sign_exponent & 0x7FFF) != 0) right.significand |= fp::integer_bit;
    }
    // Precision control 1 is reserved and not drawn.
    static constexpr unsigned precisions[] = {0, 2, 3, 3};
    const unsigned masks = random.below(4) == 0 ? random.below(64) : 0x3F;
    control = static_cast<uint16_t>(random.below(4) << 10 | precisions[random.below(4)] << 8 | masks);
    again();
  }

  // A fresh context for the next operation on the same operands.
  Case& again() {
    context = {};
    context.rounding = static_cast<fp::Rounding>(control >> 10 & 3);
    context.precision = static_cast<fp::Precision>(control >> 8 & 3);
    context.masks = static_cast<uint8_t>(control & 0x3F);
    return *this;
  }

  fp::Unpacked a() const { return fp::unpack(context, left); }
  fp::Unpacked b() const { return fp::unpack(context, right); }

  static bool same(const Float80& a, const Float80& b) {
    return a.significand == b.significand && a.sign_exponent == b.sign_exponent;
  }

  // An unmasked exception that leaves the destination alone.
  bool stopped() const { return (context.flags & ~context.masks & 0x07) != 0; }

  void expect(const char* name, const host::Outcome& outcome, const Float80& result) {
    expect_status(name, outcome, result, context.rounded_up ? 0x0200 : 0, 0x0200);
  }

  void expect_remainder(const char* name, const host::Outcome& outcome, const Float80& result, unsigned codes) {
    expect_status(name, outcome, result, codes, stopped() ? 0 : 0x4700);
  }

  void expect_codes(const char* name, const host::Outcome& outcome, unsigned codes, unsigned mask) {
    expect_status(name, outcome, left, codes, stopped() ? 0 : mask);
  }

  void expect_bytes(const char* name, uint16_t status, const void* stored, const void* expected, size_t size) {
    const unsigned ours = context.flags | (context.rounded_up ? 0x0200U : 0);
    const unsigned actual = status & 0x023FU;
    if (actual == ours && std::memcmp(stored, expected, size) == 0) {
      report_.passed();
      return;
    }
    uint64_t words[2] = {};
    std::memcpy(&words[0], stored, size < 8 ? size : 8);
    std::memcpy(&words[1], expected, size < 8 ? size : 8);
    report_.failed("%s control %04x a %04x:%016" PRIx64 ": host %" PRIx64 " status %04x, ours %" PRIx64 " status %04x",
                   name, control, left.sign_exponent, left.significand, words[0], actual, words[1], ours);
  }

  void fail(const char* name, const Float80& expected, const Float80& result) {
    report_.failed("%s control %04x a %04x:%016" PRIx64 " b %04x:%016" PRIx64 " host %04x:%016" PRIx64
                   " ours %04x:%016" PRIx64,
                   name, control, left.sign_exponent, left.significand, right.sign_exponent, right.significand,
                   expected.sign_exponent, expected.significand, result.sign_exponent, result.significand);
  }

  Float80 left{};
  Float80 right{};
  uint16_t control = 0;
  fp::Context context;

 private:
  void expect_status(const char* name, const host::Outcome& outcome, const Float80& result, unsigned codes,
                     unsigned mask) {
    const unsigned expected = context.flags | (codes & mask);
    const unsigned actual = outcome.status & (0x3FU | mask);
    if (expected == actual && (stopped() || same(outcome.top, result))) {
      report_.passed();
      return;
    }
    report_.failed("%s control %04x a %04x:%016" PRIx64 " b %04x:%016" PRIx64 ": host %04x:%016" PRIx64
                   " status %04x, ours %04x:%016" PRIx64 " status %04x",
                   name, control, left.sign_exponent, left.significand, right.sign_exponent, right.significand,
                   outcome.top.sign_exponent, outcome.top.significand, actual, result.sign_exponent, result.significand,
                   expected);
  }

  Report& report_;
};

}  // namespace test
