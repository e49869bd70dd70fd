// SPDX-License-Identifier: BSD-2-Clause
// LAR, LSL, VERR, VERW and ARPL: questions about selectors, answered in ZF (SDM vol. 2).
#include <algorithm>

#include "soft/families.h"
#include "soft/system/descriptor_ops.h"
#include "soft/system/fault.h"
#include "soft/system/operand.h"

namespace tsbhyve::soft {

namespace {

void require_selectors(Cpu* cpu, const Op* op) {
  if (real_mode(cpu) || virtual8086(cpu)) raise(cpu, op, Vector::UD);
}

bool visible(const Cpu* cpu, u32 attributes, u16 selector) {
  return is_conforming(attributes) || std::max(cpu->cpl, rpl_of(selector)) <= dpl_of(attributes);
}

constexpr u32 types(std::initializer_list<SystemType> list) {
  u32 set = 0;
  for (const SystemType type : list) set |= 1u << type;
  return set;
}
constexpr u32 lar_legacy =
    types({available_tss16, ldt, busy_tss16, call_gate16, task_gate, available_tss32, busy_tss32, call_gate32});
constexpr u32 lar_long = types({ldt, available_tss32, busy_tss32, call_gate32});
constexpr u32 lsl_legacy = types({available_tss16, ldt, busy_tss16, available_tss32, busy_tss32});
constexpr u32 lsl_long = types({ldt, available_tss32, busy_tss32});

/// Descriptor that LAR or LSL may look at.
bool find_for(Cpu* cpu, u16 selector, u32 legacy_types, u32 long_types, Descriptor& d) {
  if (!find_descriptor(cpu, selector, d)) return false;
  const u32 attributes = attributes_of(d);
  const u32 allowed = long_mode(cpu) ? long_types : legacy_types;
  if (!(attributes & segment_user) && !((allowed >> system_type(d)) & 1)) return false;
  return visible(cpu, attributes, selector);
}

struct Answer {
  u64 value;
  bool valid;
};

[[gnu::noinline]] Answer access_rights(Cpu* cpu, u16 selector) {
  Descriptor d;
  if (!find_for(cpu, selector, lar_legacy, lar_long, d)) return {0, false};
  return {(d.low >> 32) & 0xffff00, true};  // bits 16-19, a part of the limit, are undefined; hardware leaves them in
}

[[gnu::noinline]] Answer segment_limit(Cpu* cpu, u16 selector) {
  Descriptor d;
  if (!find_for(cpu, selector, lsl_legacy, lsl_long, d)) return {0, false};
  return {segment_of(d, selector).limit, true};
}

[[gnu::noinline]] bool verify(Cpu* cpu, u16 selector, bool for_write) {
  Descriptor d;
  if (!find_descriptor(cpu, selector, d)) return false;
  const u32 attributes = attributes_of(d);
  if (!(attributes & segment_user) || !visible(cpu, attributes, selector)) return false;
  return for_write ? is_writable_data(attributes) : is_readable(attributes);
}

void set_zero_flag(Cpu* cpu, bool set) { change_status_flags(cpu, flag_zf, set ? flag_zf : 0); }

void write_answer(Cpu* cpu, const Op* op, Answer answer) {
  set_zero_flag(cpu, answer.valid);
  if (!answer.valid) return;
  if (op->bits & op_operand16) {
    write_gpr<u16>(cpu, op->destination, static_cast<u16>(answer.value));
  } else {
    write_gpr<u64>(cpu, op->destination, answer.value);
  }
}

template <bool Memory, Answer (*Ask)(Cpu*, u16)>
void ask(Cpu* cpu, const Op* op) {
  require_selectors(cpu, op);
  cpu->current_op = op;
  write_answer(cpu, op, Ask(cpu, read_word<Memory>(cpu, op, op->source)));
  NEXT(cpu, op);
}

template <bool Memory, bool ForWrite>
void verify_selector(Cpu* cpu, const Op* op) {
  require_selectors(cpu, op);
  cpu->current_op = op;
  set_zero_flag(cpu, verify(cpu, read_word<Memory>(cpu, op, op->destination), ForWrite));
  NEXT(cpu, op);
}

template <bool Memory>
void arpl(Cpu* cpu, const Op* op) {
  require_selectors(cpu, op);
  const u16 wanted = read_gpr<u16>(cpu, op->source) & 3;
  const u16 selector = read_word<Memory>(cpu, op, op->destination);
  const bool raises = (selector & 3) < wanted;
  const u16 adjusted = static_cast<u16>(raises ? (selector & 0xfffc) | wanted : selector);
  if constexpr (Memory) {
    // Written only when it changes: a read-only operand that is privileged little enough does not fault.
    if (raises) store<u16>(cpu, op, memory_operand(cpu, op, 2, true), adjusted);
  } else {
    write_gpr<u16>(cpu, op->destination, adjusted);
  }
  set_zero_flag(cpu, raises);
  NEXT(cpu, op);
}

}  // namespace

void add_descriptor_checks(HandlerTable& table) {
  table.set(Opcode::Lar, [](const Instruction& i, bool) -> Handler {
    return operand_in_memory(i, 1) ? ask<true, access_rights> : ask<false, access_rights>;
  });
  table.set(Opcode::Lsl, [](const Instruction& i, bool) -> Handler {
    return operand_in_memory(i, 1) ? ask<true, segment_limit> : ask<false, segment_limit>;
  });
  table.set(Opcode::Verr, [](const Instruction& i, bool) -> Handler {
    return operand_in_memory(i, 0) ? verify_selector<true, false> : verify_selector<false, false>;
  });
  table.set(Opcode::Verw, [](const Instruction& i, bool) -> Handler {
    return operand_in_memory(i, 0) ? verify_selector<true, true> : verify_selector<false, true>;
  });
  table.set(Opcode::Arpl,
            [](const Instruction& i, bool) -> Handler { return operand_in_memory(i, 0) ? arpl<true> : arpl<false>; });
}

}  // namespace tsbhyve::soft
