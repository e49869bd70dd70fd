// SPDX-License-Identifier: BSD-2-Clause
// Operations without lanes.
#pragma once

namespace tsbhyve::soft::sse {

struct BitAnd {
  template <class R>
  [[gnu::always_inline]] static R apply(R a, R b) {
    return a & b;
  }
};
struct BitAndNot {
  template <class R>
  [[gnu::always_inline]] static R apply(R a, R b) {
    return ~a & b;
  }
};
struct BitOr {
  template <class R>
  [[gnu::always_inline]] static R apply(R a, R b) {
    return a | b;
  }
};
struct BitXor {
  template <class R>
  [[gnu::always_inline]] static R apply(R a, R b) {
    return a ^ b;
  }
};

}  // namespace tsbhyve::soft::sse
