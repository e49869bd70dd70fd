// SPDX-License-Identifier: BSD-2-Clause
// The bodies that all integer handlers share: fetch the operand, let an action work on it, go on. An action is a type:
//   Value         the operand's type (u8 .. u64)
//   Full          the action with all flags, for the general memory forms, which exist only once
//   run(cpu, op, value)            reading forms: everything the instruction does
//   change(cpu, op, old)           read-modify-write forms: the new value; must change nothing
//   finish(cpu, op, old, result)   and then the rest; runs after the last memory access, before a register is written
//   value(cpu, op)                 storing forms: what to store
// Memory forms are out of line, so that the fast ones tail-call the general one and save no registers for its sake.
#pragma once

#include "soft/integer/operand.h"
#include "soft/memory/locked.h"

namespace tsbhyve::soft {

template <class Action>
void from_register(Cpu* cpu, const Op* op) {
  Action::run(cpu, op, read_gpr<typename Action::Value>(cpu, op->source));
  NEXT(cpu, op);
}

template <class Action>
void from_immediate(Cpu* cpu, const Op* op) {
  Action::run(cpu, op, static_cast<typename Action::Value>(op->immediate));
  NEXT(cpu, op);
}

/// The first operand, for instructions that only read it.
template <class Action>
void from_destination(Cpu* cpu, const Op* op) {
  Action::run(cpu, op, read_gpr<typename Action::Value>(cpu, op->destination));
  NEXT(cpu, op);
}

template <class Action, Place P>
[[gnu::noinline]] void from_memory(Cpu* cpu, const Op* op) {
  using T = typename Action::Value;
  if constexpr (P == Place::General) {
    Action::run(cpu, op, general_load<T>(cpu, op));
  } else {
    const u8* host = fast_read_pointer<T>(cpu, flat_address<P>(cpu, op));
    if (!host) [[unlikely]]
      return from_memory<typename Action::Full, Place::General>(cpu, op);
    Action::run(cpu, op, peek<T>(host));
  }
  NEXT(cpu, op);
}

template <class Action>
void on_register(Cpu* cpu, const Op* op) {
  using T = typename Action::Value;
  const T old = read_gpr<T>(cpu, op->destination);
  const T result = Action::change(cpu, op, old);
  Action::finish(cpu, op, old, result);
  write_gpr<T>(cpu, op->destination, result);
  NEXT(cpu, op);
}

/// Read-modify-write of memory where nothing has to be kept from coming between load and store: without LOCK, and where
/// no other vCPU runs at the same time.
template <class Action, Place P>
[[gnu::noinline]] void on_memory(Cpu* cpu, const Op* op) {
  using T = typename Action::Value;
  if constexpr (P == Place::General) {
    const T old = general_load_for_update<T>(cpu, op);
    const T result = Action::change(cpu, op, old);
    general_store<T>(cpu, op, result);
    Action::finish(cpu, op, old, result);
  } else {
    u8* host = fast_write_pointer<T>(cpu, flat_address<P>(cpu, op));
    if (!host) [[unlikely]]
      return on_memory<typename Action::Full, Place::General>(cpu, op);
    const T old = peek<T>(host);
    const T result = Action::change(cpu, op, old);
    poke<T>(host, result);
    Action::finish(cpu, op, old, result);
  }
  NEXT(cpu, op);
}

/// The old value; memory holds the new one. `change` may run several times.
template <class Action>
[[gnu::always_inline]] inline typename Action::Value exchange(Cpu* cpu, const Op* op, u8* host) {
  using T = typename Action::Value;
  T old = peek<T>(host);
  for (;;) {
    const T found = host::compare_exchange<T>(host, old, Action::change(cpu, op, old));
    if (found == old) return old;
    old = found;
  }
}

/// The same as one operation for all vCPUs.
template <class Action>
[[gnu::noinline]] void on_memory_locked(Cpu* cpu, const Op* op) {
  using T = typename Action::Value;
  const u64 lin = general_address(cpu, op, sizeof(T), true);
  u8* const fast = fast_write_pointer<T>(cpu, lin);
  u8* const at = fast ? fast : begin_locked(cpu, op, lin, sizeof(T), op->segment);
  if (!at) return on_memory<Action, Place::General>(cpu, op);
  const T old = exchange<Action>(cpu, op, at);
  if (!fast) end_locked(cpu, lin, sizeof(T));
  Action::finish(cpu, op, old, Action::change(cpu, op, old));
  NEXT(cpu, op);
}

template <class Action, Place P>
[[gnu::noinline]] void to_memory(Cpu* cpu, const Op* op) {
  using T = typename Action::Value;
  if constexpr (P == Place::General) {
    general_store<T>(cpu, op, Action::value(cpu, op));
  } else {
    u8* host = fast_write_pointer<T>(cpu, flat_address<P>(cpu, op));
    if (!host) [[unlikely]]
      return to_memory<typename Action::Full, Place::General>(cpu, op);
    poke<T>(host, Action::value(cpu, op));
  }
  NEXT(cpu, op);
}

}  // namespace tsbhyve::soft
