// SPDX-License-Identifier: BSD-2-Clause
// What native tests say of a failure: CHECK counts it and goes on, require() ends the program.
#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace test {

inline std::atomic<int> failures = 0;

/// Of a test that compares thousands of values the first failures say enough.
inline constexpr int shown_failures = 20;

#define CHECK(condition)                                        \
  do {                                                          \
    if ((condition)) break;                                     \
    if (::test::failures++ >= ::test::shown_failures) break;    \
    std::printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
  } while (0)

inline void require(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "FAILED: %s\n", what.c_str());
  std::exit(1);
}

/// For tests that do the same very often: sanitizers make everything up to twenty times as slow. A prime, so that every
/// nth of all combinations is a fair choice.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr unsigned work_divisor = 19;
#else
inline constexpr unsigned work_divisor = 1;
#endif
/// Where each of the cases finds other things.
inline constexpr unsigned small_work_divisor = work_divisor > 1 ? 5 : 1;

/// The exit status of the test.
inline int report() {
  const int count = failures;
  if (count == 0) {
    std::printf("all checks passed\n");
    return 0;
  }
  std::printf("%d checks failed\n", count);
  return 1;
}

}  // namespace test
