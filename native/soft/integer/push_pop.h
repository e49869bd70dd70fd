// SPDX-License-Identifier: BSD-2-Clause
// One push or pop by the general path, for everything that uses the stack.
#pragma once

#include "soft/integer/operand.h"

namespace tsbhyve::soft {

/// Stack offset `distance` bytes below the stack pointer (above it when negative), cut to the stack width.
inline u64 stack_offset(const Cpu* cpu, u64 distance) { return (cpu->gpr[RSP] - distance) & stack_mask(cpu); }

template <class T>
[[gnu::noinline]] void push_value(Cpu* cpu, const Op* op, T value) {
  const u64 sp = stack_offset(cpu, sizeof(T));
  store_stack<T>(cpu, op, stack_address(cpu, op, sp, sizeof(T), true), value);
  write_stack_pointer(cpu, sp);
}

/// Reads what a pop would, and leaves the stack pointer to the caller.
template <class T>
[[gnu::noinline]] T top_of_stack(Cpu* cpu, const Op* op) {
  return load_stack<T>(cpu, op, stack_address(cpu, op, stack_offset(cpu, 0), sizeof(T), false));
}

}  // namespace tsbhyve::soft
