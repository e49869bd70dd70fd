// SPDX-License-Identifier: BSD-2-Clause
// Operations that move lanes about.
#pragma once

#include <utility>

#include "soft/sse/lanes.h"

namespace tsbhyve::soft::sse {

/// Bit 7 of every byte (PMOVMSKB). The product gathers the eight bits in its top byte: bit 7 + 8i meets the factor's
/// bit 49 - 7i, and no two products share a place.
inline u32 byte_signs(u64 value) { return static_cast<u32>((value & 0x8080808080808080) * 0x0002040810204081 >> 56); }
inline u32 byte_signs(V128 value) { return byte_signs(u64{value[0]}) | byte_signs(u64{value[1]}) << 8; }

/// Lanes first, first + 1, ... of both operands by turns: PUNPCKL with first = 0, PUNPCKH with the upper half.
template <class T, bool high>
struct Unpack {
  template <class R>
  [[gnu::always_inline]] static R apply(R a, R b) {
    constexpr size_t count = lane_count<T, R>, first = high ? count / 2 : 0;
    return [&]<size_t... I>(std::index_sequence<I...>) {
      return whole<R>(__builtin_shufflevector(lanes<T>(a), lanes<T>(b), (first + I / 2 + (I & 1 ? count : 0))...));
    }
    (std::make_index_sequence<count>());
  }
};
template <class T>
using UnpackLow = Unpack<T, false>;
template <class T>
using UnpackHigh = Unpack<T, true>;

/// Doubleword or word `index` of a vector or of one of its quadwords.
inline u64 dword_of(V128 value, u32 index) {
  return (index & 2 ? value[1] : value[0]) >> 32 * (index & 1) & 0xffffffff;
}
inline u64 word_of(u64 value, u32 index) { return value >> 16 * (index & 3) & 0xffff; }

struct ShuffleDwords {  // PSHUFD
  static V128 apply(V128, V128 b, u8 order) {
    return V128{dword_of(b, order & 3) | dword_of(b, order >> 2 & 3) << 32,
                dword_of(b, order >> 4 & 3) | dword_of(b, order >> 6 & 3) << 32};
  }
};
struct ShuffleWords {  // PSHUFW, and the halves of PSHUFLW and PSHUFHW
  static u64 apply(u64, u64 b, u8 order) {
    return word_of(b, order) | word_of(b, order >> 2) << 16 | word_of(b, order >> 4) << 32 |
           word_of(b, order >> 6) << 48;
  }
};
struct ShuffleLowWords {
  static V128 apply(V128, V128 b, u8 order) { return V128{ShuffleWords::apply(0, b[0], order), b[1]}; }
};
struct ShuffleHighWords {
  static V128 apply(V128, V128 b, u8 order) { return V128{b[0], ShuffleWords::apply(0, b[1], order)}; }
};
struct ShuffleSingles {  // SHUFPS
  static V128 apply(V128 a, V128 b, u8 order) {
    return V128{dword_of(a, order & 3) | dword_of(a, order >> 2 & 3) << 32,
                dword_of(b, order >> 4 & 3) | dword_of(b, order >> 6 & 3) << 32};
  }
};
struct ShuffleDoubles {  // SHUFPD
  static V128 apply(V128 a, V128 b, u8 order) { return V128{order & 1 ? a[1] : a[0], order & 2 ? b[1] : b[0]}; }
};

}  // namespace tsbhyve::soft::sse
