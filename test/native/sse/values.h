// SPDX-License-Identifier: BSD-2-Clause
// A fixed-seed source of vectors whose lanes crowd the edges of every element type.
#pragma once

#include <cinttypes>
#include <cstdio>

#include "soft/sse/lanes.h"

namespace test {

using namespace tsbhyve::soft;
using sse::V128;

class Random {
 public:
  u64 next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1D;
  }
  u32 below(u32 bound) { return static_cast<u32>((next() >> 32) % bound); }

 private:
  u64 state_ = 0x9E3779B97F4A7C15;
};

inline u64 edge64(Random& random) {
  switch (random.below(6)) {
    case 0: return 0;
    case 1: return ~u64{0};
    case 2: return u64{1} << random.below(64);
    case 3: return ~(u64{1} << random.below(64));
    case 4: return 0x8000800080008000 ^ (random.next() & 0x0101010101010101);
    default: return random.next();
  }
}

inline u32 edge_single(Random& random) {
  static constexpr u32 special[] = {0,          0x3f800000, 0x7f800000, 0x7fc00001, 0x7f800001, 0x00000001, 0x007fffff,
                                    0x00800000, 0x7f7fffff, 0x4effffff, 0x4f000000, 0x4b000001, 0x3f000000, 0x3fc00000};
  const u32 sign = static_cast<u32>(random.next()) & 0x80000000;
  switch (random.below(4)) {
    case 0: return sign | special[random.below(14)];
    case 1: return sign | (random.below(40) + 107) << 23 | random.below(1 << 23);
    case 2: return sign | (random.below(256) << 23) | (random.below(1 << 23) & ~0u << random.below(23));
    default: return static_cast<u32>(random.next());
  }
}

inline u64 edge_double(Random& random) {
  static constexpr u64 special[] = {0,
                                    0x3ff0000000000000,
                                    0x7ff0000000000000,
                                    0x7ff8000000000001,
                                    0x7ff0000000000001,
                                    0x0000000000000001,
                                    0x000fffffffffffff,
                                    0x0010000000000000,
                                    0x7fefffffffffffff,
                                    0x41dfffffffe00000,
                                    0x41e0000000000000,
                                    0x43e0000000000000,
                                    0x3fe0000000000000,
                                    0x36a0000000000000};
  const u64 sign = random.next() & 0x8000000000000000;
  switch (random.below(4)) {
    case 0: return sign | special[random.below(14)];
    case 1: return sign | u64{random.below(300) + 870} << 52 | random.next() >> 12;
    case 2: return sign | u64{random.below(2048)} << 52 | (random.next() >> 12 & ~u64{0} << random.below(52));
    default: return random.next();
  }
}

/// Lanes of integers, singles or doubles.
inline V128 edge_vector(Random& random) {
  switch (random.below(4)) {
    case 0: return V128{edge64(random), edge64(random)};
    case 1: return V128{edge_double(random), edge_double(random)};
    default: {
      const auto pair = [&] { return edge_single(random) | u64{edge_single(random)} << 32; };
      const u64 low = pair();
      return V128{low, pair()};
    }
  }
}

/// Counts failures; prints the first few.
class Report {
 public:
  template <class R>
  void differs(const char* name, u32 mxcsr, V128 a, V128 b, R expected, u32 expected_flags, R got, u32 got_flags) {
    if (++failures_ > 20) return;
    std::printf("%s mxcsr %04x a %s b %s: ", name, mxcsr, text(a, 0), text(b, 1));
    std::printf("expected %s flags %02x, ", text(expected, 0), expected_flags);
    std::printf("got %s flags %02x\n", text(got, 0), got_flags);
  }
  template <class R>
  void equal(const char* name, u32 mxcsr, V128 a, V128 b, R expected, u32 expected_flags, R got, u32 got_flags) {
    cases_++;
    if (__builtin_memcmp(&expected, &got, sizeof(R)) != 0 || expected_flags != got_flags) {
      differs(name, mxcsr, a, b, expected, expected_flags, got, got_flags);
    }
  }
  int finish(const char* what) const {
    std::printf("%s: %" PRIu64 " cases, %" PRIu64 " failures\n", what, cases_, failures_);
    return failures_ == 0 && cases_ > 0 ? 0 : 1;
  }

 private:
  template <class R>
  const char* text(R value, u32 slot) {
    u64 words[2] = {0, 0};
    __builtin_memcpy(words, &value, sizeof(R));
    std::snprintf(buffers_[slot], sizeof(buffers_[slot]), "%016" PRIx64 ":%016" PRIx64, words[1], words[0]);
    return buffers_[slot];
  }

  u64 cases_ = 0, failures_ = 0;
  char buffers_[2][40] = {};
};

}  // namespace test
