// SPDX-License-Identifier: BSD-2-Clause
// Reads instruction bytes and remembers running out of them.
#pragma once

#include "soft/decode/instruction.h"

namespace tsbhyve::soft {

class Cursor {
 public:
  Cursor(const u8* bytes, size_t available)
      : bytes_(bytes), limit_(available < max_instruction_length ? available : max_instruction_length) {}

  /// Little-endian value of 1-8 bytes; zero once the bytes have run out.
  u64 take(size_t size) {
    if (size > limit_ - position_) {
      exhausted_ = true;
      position_ = limit_;
      return 0;
    }
    u64 value = 0;
    for (size_t i = 0; i < size; ++i) value |= u64{bytes_[position_ + i]} << (8 * i);
    position_ += size;
    return value;
  }

  u8 take_byte() { return static_cast<u8>(take(1)); }

  i64 take_signed(size_t size) {
    const u64 unused = 64 - 8 * size;
    return static_cast<i64>(take(size) << unused) >> unused;
  }

  bool exhausted() const { return exhausted_; }
  u8 position() const { return static_cast<u8>(position_); }

 private:
  const u8* bytes_;
  size_t limit_;
  size_t position_ = 0;
  bool exhausted_ = false;
};

}  // namespace tsbhyve::soft
