// SPDX-License-Identifier: BSD-2-Clause
// Shared by the floating-point tests: a fixed-seed generator of operands that crowd the edges, and the reporting.
#pragma once

#include <cinttypes>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "../../../native/soft/float/format.h"

namespace test {

using tsbhyve::soft::fp::Float32;
using tsbhyve::soft::fp::Float64;
using tsbhyve::soft::fp::Float80;

// xorshift64*, so that a failure is reproducible everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1DULL;
  }

  unsigned below(unsigned bound) { return static_cast<unsigned>((next() >> 32) % bound); }

 private:
  uint64_t state_;
};

// Long runs of equal bits, few bits, all-random: what makes carries and ties.
inline uint64_t edge_bits(Random& random) {
  const uint64_t value = random.next();
  switch (random.below(8)) {
    case 0: return 0;
    case 1: return ~uint64_t{0};
    case 2: return ~uint64_t{0} << random.below(64);
    case 3: return ~uint64_t{0} >> random.below(64);
    case 4: return (uint64_t{1} << random.below(64)) | (uint64_t{1} << random.below(64));
    case 5: return value << random.below(64);
    default: return value;
  }
}

inline unsigned edge_exponent(Random& random, unsigned all_ones) {
  const unsigned bias = all_ones / 2;
  switch (random.below(8)) {
    case 0: return random.below(4);
    case 1: return all_ones - random.below(4);
    case 2: return random.below(all_ones + 1);
    case 3: return (random.below(200)) % (all_ones + 1);
    case 4: return (all_ones - random.below(200) % all_ones);
    default: return (bias - 70 + random.below(140)) & all_ones;
  }
}

inline Float32 edge32(Random& random) {
  const auto sign = static_cast<uint32_t>(random.next() & 0x80000000);
  return {sign | edge_exponent(random, 0xFF) << 23 | static_cast<uint32_t>(edge_bits(random) & 0x7FFFFF)};
}

inline Float64 edge64(Random& random) {
  const uint64_t sign = random.next() << 63;
  return {sign | uint64_t{edge_exponent(random, 0x7FF)} << 52 | (edge_bits(random) & 0xFFFFFFFFFFFFF)};
}

// One operand in sixteen keeps whatever integer bit it drew: unnormals and pseudo-denormals.
inline Float80 edge80(Random& random) {
  const unsigned exponent = edge_exponent(random, 0x7FFF);
  uint64_t significand = edge_bits(random);
  if (random.below(2) == 0) significand &= ~uint64_t{0} << 40;
  if (random.below(16) != 0 && exponent != 0) significand |= uint64_t{1} << 63;
  const auto sign = static_cast<unsigned>(random.next() & 0x8000);
  return {significand, static_cast<uint16_t>(sign | exponent)};
}

class Report {
 public:
  explicit Report(const char* name) : name_(name) {}

  void passed() { cases_++; }

  __attribute__((format(printf, 2, 3))) void failed(const char* format, ...) {
    cases_++;
    if (failures_++ >= shown_) return;
    va_list arguments;
    va_start(arguments, format);
    std::printf("%s: ", name_);
    std::vprintf(format, arguments);
    std::printf("\n");
    va_end(arguments);
  }

  // The exit status of the test.
  int finish() const {
    std::printf("%s: %" PRIu64 " cases, %" PRIu64 " failures\n", name_, cases_, failures_);
    return failures_ == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  static constexpr uint64_t shown_ = 20;
  const char* name_;
  uint64_t cases_ = 0;
  uint64_t failures_ = 0;
};

// Rounds of each comparison; an argument makes a run longer or shorter.
inline uint64_t rounds(int argc, char** argv, uint64_t normal) {
  return argc > 1 ? std::strtoull(argv[1], nullptr, 0) : normal;
}

}  // namespace test
