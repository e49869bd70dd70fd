// SPDX-License-Identifier: BSD-2-Clause
// Two-operand arithmetic and logic: what ADD .. TEST compute and which lazy flags they leave.
#pragma once

#include "soft/flags.h"
#include "soft/integer/select.h"

namespace tsbhyve::soft::operation {

struct Writing {
  static constexpr bool writes = true;
};
struct Comparing {
  static constexpr bool writes = false;
};
struct Additive {
  template <class T>
  static void flags(Cpu* cpu, T result, T left, T right) {
    set_lazy<T>(cpu, FlagKind::Add, result, left, right);
  }
};
struct Subtractive {
  template <class T>
  static void flags(Cpu* cpu, T result, T left, T right) {
    set_lazy<T>(cpu, FlagKind::Sub, result, left, right);
  }
};
struct Logical {
  template <class T>
  static void flags(Cpu* cpu, T result, T, T) {
    set_logic_flags<T>(cpu, result);
  }
};

struct Add : Writing, Additive {
  template <class T>
  static T result(const Cpu*, T left, T right) {
    return static_cast<T>(left + right);
  }
};
struct Adc : Writing, Additive {
  template <class T>
  static T result(const Cpu* cpu, T left, T right) {
    return static_cast<T>(left + right + carry_flag(cpu));
  }
};
struct Sub : Writing, Subtractive {
  template <class T>
  static T result(const Cpu*, T left, T right) {
    return static_cast<T>(left - right);
  }
};
struct Sbb : Writing, Subtractive {
  template <class T>
  static T result(const Cpu* cpu, T left, T right) {
    return static_cast<T>(left - right - carry_flag(cpu));
  }
};
struct And : Writing, Logical {
  template <class T>
  static T result(const Cpu*, T left, T right) {
    return static_cast<T>(left & right);
  }
};
struct Or : Writing, Logical {
  template <class T>
  static T result(const Cpu*, T left, T right) {
    return static_cast<T>(left | right);
  }
};
struct Xor : Writing, Logical {
  template <class T>
  static T result(const Cpu*, T left, T right) {
    return static_cast<T>(left ^ right);
  }
};
struct Cmp : Comparing, Subtractive {
  template <class T>
  static T result(const Cpu*, T left, T right) {
    return static_cast<T>(left - right);
  }
};
struct Test : Comparing, Logical {
  template <class T>
  static T result(const Cpu*, T left, T right) {
    return static_cast<T>(left & right);
  }
};

/// Compares a first operand in memory or a register with the second; changes only flags.
template <class Operation, class T, Right R, bool Flags>
struct Examine {
  using Value = T;
  using Full = Examine<Operation, T, R, true>;
  static void run(Cpu* cpu, const Op* op, T left) {
    if constexpr (Flags) {
      const T right = right_operand<T, R>(cpu, op);
      Operation::template flags<T>(cpu, Operation::template result<T>(cpu, left, right), left, right);
    }
  }
};

}  // namespace tsbhyve::soft::operation
