// SPDX-License-Identifier: BSD-2-Clause
// The one source of chance: SplitMix64 (Steele, Lea, Flood 2014), the same on every host.
#pragma once

#include <cstddef>

#include "soft/types.h"

namespace tsbhyve::differential {

using namespace tsbhyve::soft;

class Random {
 public:
  explicit Random(u64 seed) : state_(seed) {}

  u64 next() {
    u64 z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// 0 .. bound - 1.
  u32 below(u32 bound) { return static_cast<u32>((next() >> 32) * bound >> 32); }
  bool chance(u32 one_in) { return below(one_in) == 0; }
  u8 byte() { return static_cast<u8>(next() >> 56); }

  template <class T, size_t size>
  const T& pick(const T (&values)[size]) {
    return values[below(static_cast<u32>(size))];
  }

 private:
  u64 state_;
};

}  // namespace tsbhyve::differential
