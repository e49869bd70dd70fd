// SPDX-License-Identifier: BSD-2-Clause
// The page of code, the same bytes for both CPUs: breakpoints, the case, and its way back.
#pragma once

#include <algorithm>

#include "state.h"

namespace tsbhyve::differential {

/// A jump from `from` to way_back. Compatibility code goes by ptr16:32, 16-bit code with an operand-size prefix.
inline size_t write_end(u8* at, Setting setting, u64 from) {
  size_t n = 0;
  if (info_of(setting).code_size == CodeSize::Bits64) {
    constexpr u32 length = 5;
    const auto displacement = static_cast<u32>(way_back - from - length);
    at[n++] = 0xe9;
    std::memcpy(at + n, &displacement, sizeof(displacement));
    return length;
  }
  const auto offset = static_cast<u32>(way_back);
  if (info_of(setting).code_size == CodeSize::Bits16) at[n++] = 0x66;
  at[n++] = 0xea;
  std::memcpy(at + n, &offset, sizeof(offset));
  std::memcpy(at + n + sizeof(offset), &flat_code64, sizeof(flat_code64));
  return n + sizeof(offset) + sizeof(flat_code64);
}

inline void write_code(u8* page, const Case& test) {
  constexpr u8 breakpoint = 0xcc;
  u8* const at = page + (test.start - code_base);
  const size_t room = code_end - test.start;
  std::memset(page, breakpoint, page_size);
  std::memcpy(at, test.code, std::min<size_t>(test.length, room));
  if (test.length >= room) return;
  u8 end[16];
  const size_t length = write_end(end, test.setting, test.start + test.length);
  std::memcpy(at + test.length, end, std::min(length, room - test.length));
}

}  // namespace tsbhyve::differential
