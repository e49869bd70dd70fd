// SPDX-License-Identifier: BSD-2-Clause
// JMP and CALL through a register or memory, and RET.
#include "soft/integer/parts.h"
#include "soft/integer/push_pop.h"
#include "soft/integer/select.h"
#include "soft/integer/target.h"

namespace tsbhyve::soft {

namespace {

struct Jump {
  template <class T, bool In64>
  [[gnu::always_inline]] static void go(Cpu* cpu, const Op* op, T target) {
    check_target<In64>(cpu, op, target);
    return jump_indirect(cpu, target);
  }
};

struct Call {
  template <class T, bool In64>
  [[gnu::noinline]] static void slow(Cpu* cpu, const Op* op, T target) {
    push_value<T>(cpu, op, static_cast<T>(next_rip(cpu, op)));
    cpu->rip = target;
  }
  template <class T, bool In64>
  [[gnu::always_inline]] static void go(Cpu* cpu, const Op* op, T target) {
    check_target<In64>(cpu, op, target);
    if constexpr (!In64) return slow<T, In64>(cpu, op, target);
    const u64 sp = cpu->gpr[RSP] - sizeof(T);
    u8* host = fast_write_pointer<T>(cpu, sp);
    if (!host) [[unlikely]]
      return slow<T, In64>(cpu, op, target);
    poke<T>(host, static_cast<T>(cpu->gpr[17] + op->offset + op->length));
    cpu->gpr[RSP] = sp;
    return jump_indirect(cpu, target);
  }
};

template <class Kind, class T, bool In64>
void through_register(Cpu* cpu, const Op* op) {
  return Kind::template go<T, In64>(cpu, op, read_gpr<T>(cpu, op->destination));
}

template <class Kind, class T, bool In64, Place P>
[[gnu::noinline]] void through_memory(Cpu* cpu, const Op* op) {
  if constexpr (P == Place::General) {
    return Kind::template go<T, In64>(cpu, op, general_load<T>(cpu, op));
  } else {
    const u8* host = fast_read_pointer<T>(cpu, flat_address<P>(cpu, op));
    if (!host) [[unlikely]]
      return through_memory<Kind, T, In64, Place::General>(cpu, op);
    return Kind::template go<T, In64>(cpu, op, peek<T>(host));
  }
}

template <class Kind>
Handler select(const Instruction& instruction, bool) {
  const bool memory = is_memory(instruction.operands[0]);
  if (instruction.code_size == CodeSize::Bits64) {
    if (!memory) return through_register<Kind, u64, true>;
    switch (place_of(instruction)) {
      case Place::Base: return through_memory<Kind, u64, true, Place::Base>;
      case Place::Indexed: return through_memory<Kind, u64, true, Place::Indexed>;
      default: return through_memory<Kind, u64, true, Place::General>;
    }
  }
  if (instruction.operand_size == 2) {
    return memory ? through_memory<Kind, u16, false, Place::General> : through_register<Kind, u16, false>;
  }
  return memory ? through_memory<Kind, u32, false, Place::General> : through_register<Kind, u32, false>;
}

/// Op::immediate is the number of bytes to drop beyond the return address, zero for plain RET.
template <class T, bool In64>
[[gnu::noinline]] void return_general(Cpu* cpu, const Op* op) {
  const T target = top_of_stack<T>(cpu, op);
  check_target<In64>(cpu, op, target);
  write_stack_pointer(cpu, cpu->gpr[RSP] + sizeof(T) + op->immediate);
  return jump_indirect(cpu, target);
}

void return_flat(Cpu* cpu, const Op* op) {
  const u64 sp = cpu->gpr[RSP];
  const u8* host = fast_read_pointer<u64>(cpu, sp);
  if (!host) [[unlikely]]
    return return_general<u64, true>(cpu, op);
  const u64 target = peek<u64>(host);
  check_target<true>(cpu, op, target);
  cpu->gpr[RSP] = sp + sizeof(u64) + op->immediate;
  return jump_indirect(cpu, target);
}

Handler select_ret(const Instruction& instruction, bool) {
  if (instruction.code_size == CodeSize::Bits64) return return_flat;
  return instruction.operand_size == 2 ? return_general<u16, false> : return_general<u32, false>;
}

}  // namespace

void add_indirect(HandlerTable& table) {
  table.set(Opcode::JmpIndirect, select<Jump>);
  table.set(Opcode::CallIndirect, select<Call>);
  table.set(Opcode::Ret, select_ret);
}

}  // namespace tsbhyve::soft
