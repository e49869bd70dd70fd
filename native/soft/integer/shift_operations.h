// SPDX-License-Identifier: BSD-2-Clause
// Shifts and rotates of a value by a masked count. OF for counts above one and AF are undefined by the SDM and here
// what the hardware leaves (docs/undefined-flags.md).
#pragma once

#include "soft/flags.h"
#include "soft/integer/wide.h"

namespace tsbhyve::soft::operation {

inline constexpr u32 rotate_flags = flag_cf | flag_of;

template <class T>
bool top_bit(T value) {
  return (value >> (width_bits<T> - 1)) & 1;
}
template <class T>
bool top_bits_differ(T value) {
  return ((value >> (width_bits<T> - 1)) ^ (value >> (width_bits<T> - 2))) & 1;
}

/// OF of operations towards the top: whether the sign changed with the last step.
template <class T>
u32 leftward_flags(T result, bool carry) {
  return (carry ? flag_cf : 0) | (carry != top_bit(result) ? flag_of : 0);
}
template <class T>
u32 rightward_flags(T result, bool carry) {
  return (carry ? flag_cf : 0) | (top_bits_differ(result) ? flag_of : 0);
}
template <class T>
u32 shift_flags(T result) {
  return result_flags(result) | flag_af;
}

struct Shl {
  static constexpr u32 written = status_flags;
  template <class T>
  static T result(const Cpu*, T old, u32 count) {
    return static_cast<T>(static_cast<u64>(old) << count);
  }
  template <class T>
  static u32 flags(const Cpu*, T old, T result, u32 count) {
    const bool carry = (static_cast<u64>(old) << (count - 1) >> (width_bits<T> - 1)) & 1;
    return leftward_flags(result, carry) | shift_flags(result);
  }
};

struct Shr {
  static constexpr u32 written = status_flags;
  template <class T>
  static T result(const Cpu*, T old, u32 count) {
    return static_cast<T>(static_cast<u64>(old) >> count);
  }
  template <class T>
  static u32 flags(const Cpu*, T old, T result, u32 count) {
    const bool carry = (static_cast<u64>(old) >> (count - 1)) & 1;
    return rightward_flags(result, carry) | shift_flags(result);
  }
};

struct Sar {
  static constexpr u32 written = status_flags;
  template <class T>
  static i64 extended(T old) {
    return static_cast<Signed<T>>(old);
  }
  template <class T>
  static T result(const Cpu*, T old, u32 count) {
    return static_cast<T>(extended(old) >> count);
  }
  template <class T>
  static u32 flags(const Cpu*, T old, T result, u32 count) {
    const bool carry = (extended(old) >> (count - 1)) & 1;
    return rightward_flags(result, carry) | shift_flags(result);
  }
};

struct Rol {
  static constexpr u32 written = rotate_flags;
  template <class T>
  static T result(const Cpu*, T old, u32 count) {
    const u32 by = count % width_bits<T>;
    return static_cast<T>(old << by | old >> ((width_bits<T> - by) % width_bits<T>));
  }
  template <class T>
  static u32 flags(const Cpu*, T, T result, u32) {
    return leftward_flags(result, result & 1);
  }
};

struct Ror {
  static constexpr u32 written = rotate_flags;
  template <class T>
  static T result(const Cpu*, T old, u32 count) {
    const u32 by = count % width_bits<T>;
    return static_cast<T>(old >> by | old << ((width_bits<T> - by) % width_bits<T>));
  }
  template <class T>
  static u32 flags(const Cpu*, T, T result, u32) {
    return rightward_flags(result, top_bit(result));
  }
};

/// Rotations through carry turn a value one bit wider than the operand, CF above its top.
template <class T>
u128 with_carry(const Cpu* cpu, T old) {
  return static_cast<u128>(carry_flag(cpu)) << width_bits<T> | old;
}
template <class T>
u128 rotate_through_carry(const Cpu* cpu, T old, u32 left) {
  const u32 around = width_bits<T> + 1;
  const u32 by = left % around;
  const u128 value = with_carry(cpu, old);
  return by == 0 ? value : value << by | value >> (around - by);
}

struct Rcl {
  static constexpr u32 written = rotate_flags;
  template <class T>
  static T result(const Cpu* cpu, T old, u32 count) {
    return static_cast<T>(rotate_through_carry(cpu, old, count));
  }
  template <class T>
  static u32 flags(const Cpu* cpu, T old, T result, u32 count) {
    return leftward_flags(result, (rotate_through_carry(cpu, old, count) >> width_bits<T>)&1);
  }
};

struct Rcr {
  static constexpr u32 written = rotate_flags;
  template <class T>
  static u128 turned(const Cpu* cpu, T old, u32 count) {
    const u32 around = width_bits<T> + 1;
    return rotate_through_carry(cpu, old, around - count % around);
  }
  template <class T>
  static T result(const Cpu* cpu, T old, u32 count) {
    return static_cast<T>(turned(cpu, old, count));
  }
  template <class T>
  static u32 flags(const Cpu* cpu, T old, T result, u32 count) {
    return rightward_flags(result, (turned(cpu, old, count) >> width_bits<T>)&1);
  }
};

}  // namespace tsbhyve::soft::operation
