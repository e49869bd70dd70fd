// SPDX-License-Identifier: BSD-2-Clause
// Counted failures of the native tests.
#pragma once

#include <cstdio>

namespace test {

inline int failures = 0;

#define CHECK(condition)                                          \
  do {                                                            \
    if (!(condition)) {                                           \
      std::printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      ::test::failures++;                                         \
    }                                                             \
  } while (0)

inline int report() {
  std::printf(failures ? "%d checks failed\n" : "all checks passed\n", failures);
  return failures != 0;
}

}  // namespace test
