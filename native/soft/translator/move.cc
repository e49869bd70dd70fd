// SPDX-License-Identifier: BSD-2-Clause
// MOV and its relatives, LEA, XCHG, sign extensions, and what does nothing here.
#include "soft/translator/families.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

void overwritten(Emitter& e, u8 guest) {
  if (e.live_after) e.overwrite(guest);
}

/// `value` of the operand's size, not in t1 when that is small, becomes the register's. Slots are always stored whole:
/// the host cannot forward a narrow store to a wide load.
void assign(Emitter& e, const Operand& to, const Gp& value) {
  if (e.has_home(to.reg)) {
    e.a.mov(sized(e.home(to.reg), to.size), sized(value, to.size));
  } else if (to.size == 4) {
    e.a.mov(value.r32(), value.r32());
    e.a.mov(slot(to.reg), value.r64());
  } else if (to.size == 8) {
    e.a.mov(slot(to.reg), value.r64());
  } else {
    e.a.mov(t1, slot(to.reg));
    e.a.mov(sized(t1, to.size), sized(value, to.size));
    e.a.mov(slot(to.reg), t1);
  }
}

/// AH .. BH: turned to the bottom for the time.
void assign_high(Emitter& e, const Operand& to, const Gp& value) {
  e.clobber();
  e.a.ror(e.home(to.reg), 8);
  e.a.mov(e.home(to.reg).r8(), value.r8());
  e.a.rol(e.home(to.reg), 8);
}

bool load(Emitter& e, const Operand& to) {
  if (!e.can_address()) return false;
  const u8 guest = to.reg;
  overwritten(e, guest);
  if (to.kind == OperandKind::Gpr && to.size >= 4 && e.has_home(guest)) {
    const Gp into = e.home(guest);
    e.load_operand(to.size, &into);
    return true;
  }
  e.load_operand(to.size);
  if (is_high(to))
    assign_high(e, to, t0);
  else if (to.size == 4)
    e.a.mov(slot(guest), t0);
  else
    assign(e, to, t0);
  return true;
}

bool store(Emitter& e, const Operand& to, const Operand& from) {
  if (!e.can_address()) return false;
  e.store_operand(to.size, [&e, from]() -> asmjit::Operand {
    if (is_immediate(from)) return e.source_of(from);
    return e.value_of(from, t1);
  });
  return true;
}

bool move(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (is_memory(to)) return store(e, to, from);
  if (is_memory(from)) return load(e, to);
  overwritten(e, to.reg);
  if (is_immediate(from)) {
    const auto value = static_cast<i64>(e.instruction->immediate);
    if (is_high(to)) {
      e.a.mov(t0.r32(), static_cast<i32>(value & 0xff));
      assign_high(e, to, t0);
    } else if (to.size == 8 && e.has_home(to.reg)) {
      if (value >= 0 && value <= 0xffffffff)
        e.a.mov(e.home(to.reg).r32(), value);
      else
        e.a.mov(e.home(to.reg), value);
    } else if (e.has_home(to.reg)) {
      e.a.mov(sized(e.home(to.reg), to.size), value);
    } else {
      e.a.mov(t0, to.size == 4 ? static_cast<i64>(static_cast<u32>(value)) : value);
      assign(e, to, t0);
    }
    return true;
  }
  const Gp value = e.value_of(from, t0);
  if (is_high(to)) {
    if (value.id() != t0.id()) e.a.mov(t0, value.r64());
    assign_high(e, to, t0);
  } else {
    if (!e.has_home(to.reg) && value.id() != t0.id() && to.size == 4) {
      e.a.mov(t0.r32(), value.r32());
      e.a.mov(slot(to.reg), t0);
    } else {
      assign(e, to, value);
    }
  }
  return true;
}

void extend_register(Emitter& e, const Gp& to, const Gp& from, u32 from_size, bool with_sign) {
  if (from_size == 4) {
    if (with_sign && to.size() == 8)
      e.a.movsxd(to, from);
    else
      e.a.mov(to.r32(), from.r32());
  } else if (with_sign) {
    e.a.movsx(to, from);
  } else {
    e.a.movzx(to.r32(), from);
  }
}

/// The widened value is made in a register of at least 32 bits.
bool extend(Emitter& e) {
  const bool with_sign = e.instruction->opcode != Opcode::Movzx;
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (to.size < 4 || (from.size == 4 && to.size == 4)) return false;
  if (is_memory(from) && !e.can_address()) return false;
  overwritten(e, to.reg);
  Gp value = t0;
  if (is_memory(from)) {
    e.load_operand(from.size);
    value = sized(t0, from.size);
  } else {
    value = e.value_of(from, t0);
  }
  const Gp into = e.has_home(to.reg) ? sized(e.home(to.reg), to.size) : sized(t0, to.size);
  extend_register(e, into, value, from.size, with_sign);
  e.keep(to, into);
  return true;
}

bool load_address(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const MemoryOperand& memory = e.instruction->memory;
  if (to.size < 4 || !e.can_address()) return false;
  const auto displacement = static_cast<i32>(memory.displacement);
  // A register that moves by a constant takes what is known of it along.
  const bool moves = memory.base == to.reg && memory.index == no_register && to.size == 8 &&
                     e.instruction->address_size == 8 && displacement >= -longest_move && displacement <= longest_move;
  if (moves) {
    if (e.live_after) e.moved(to.reg, displacement);
  } else {
    overwritten(e, to.reg);
  }
  const Gp into = e.has_home(to.reg) ? e.home(to.reg) : t0;
  if (memory.base == rip_register) {
    const i64 from_page =
        static_cast<i64>(e.block->physical & page_offset_mask) + e.op->offset + e.instruction->length + displacement;
    e.a.mov(t0, CPU_FIELD(translated.code_page));
    e.a.mov(t1, from_page);
    e.a.lea(into, x86::ptr(t0, t1));
  } else if (memory.base != no_register && memory.index != no_register) {
    const Gp base = e.value_of(memory.base, 8, t0), index = e.value_of(memory.index, 8, t1);
    e.a.lea(into, x86::ptr(base, index, memory.scale, displacement));
  } else if (memory.index != no_register) {
    const Gp index = e.value_of(memory.index, 8, t1);
    e.a.lea(into, x86::ptr(u64{0}, index, memory.scale));
    if (displacement) e.a.lea(into, x86::ptr(into, displacement));
  } else if (memory.base != no_register) {
    e.a.lea(into, x86::ptr(e.value_of(memory.base, 8, t0), displacement));
  } else {
    e.a.mov(into, i64{displacement});
  }
  if (e.instruction->address_size == 4 || to.size == 4) e.a.mov(into.r32(), into.r32());
  e.keep(to, into);
  return true;
}

bool exchange(Emitter& e) {
  const Operand& left = e.instruction->operands[0];
  const Operand& right = e.instruction->operands[1];
  if (is_memory(left)) return translate_exchange_memory(e);
  if (!is_register(left) || !is_register(right)) return false;
  if (left.size < 4 && !(e.has_home(left.reg) && e.has_home(right.reg))) return false;
  overwritten(e, left.reg);
  overwritten(e, right.reg);
  const Gp first = e.value_of(left, t0), second = e.value_of(right, t1);
  if (first.id() != t0.id()) e.a.mov(t0, first.r64());
  if (second.id() != t1.id()) e.a.mov(t1, second.r64());
  assign(e, left, t1);
  assign(e, right, t0);
  return true;
}

bool extend_accumulator(Emitter& e) {
  overwritten(e, RAX);
  switch (e.instruction->operand_size) {
    case 2: e.a.cbw(); break;
    case 4: e.a.cwde(); break;
    default: e.a.cdqe(); break;
  }
  return true;
}

bool spread_sign(Emitter& e) {
  overwritten(e, RDX);
  switch (e.instruction->operand_size) {
    case 2: e.a.cwd(); break;
    case 4: e.a.cdq(); break;
    default: e.a.cqo(); break;
  }
  return true;
}

/// A byte for memory is made before the fast table is looked at.
bool set_byte(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const bool in_memory = is_memory(to);
  if (!(in_memory ? e.can_address() : is_register(to))) return false;
  const u8 holds = *e.condition(e.instruction->condition);
  if (in_memory) {
    e.a.emit(set_id(holds), field(offsetof(Cpu, translated.target), 1));
    e.store_operand(1, [&e] {
      e.a.movzx(t1.r32(), field(offsetof(Cpu, translated.target), 1));
      return t1.r8();
    });
    return true;
  }
  overwritten(e, to.reg);
  if (e.has_home(to.reg)) {
    e.a.emit(set_id(holds), e.home(to.reg).r8());
    return true;
  }
  e.a.mov(t1, slot(to.reg));
  e.a.emit(set_id(holds), t1.r8());
  e.a.mov(slot(to.reg), t1);
  return true;
}

/// The source is read whether the condition holds or not.
bool move_if(Emitter& e) {
  const Operand& to = e.instruction->operands[0];
  const Operand& from = e.instruction->operands[1];
  if (to.size < 4 || (is_memory(from) && !e.can_address())) return false;
  asmjit::Operand source;
  if (is_memory(from)) {
    e.load_operand(to.size);
    e.a.mov(CPU_FIELD(translated.target), t0);
    source = field(offsetof(Cpu, translated.target), to.size);
  } else {
    source = e.source_of(from);
  }
  const u8 holds = *e.condition(e.instruction->condition);
  overwritten(e, to.reg);
  Gp working = sized(t0, to.size);
  if (e.has_home(to.reg))
    working = sized(e.home(to.reg), to.size);
  else
    e.a.mov(t0, slot(to.reg));
  e.a.emit(move_id(holds), working, source);
  e.keep(to, working);
  return true;
}

}  // namespace

bool translate_move(Emitter& e) {
  switch (e.instruction->opcode) {
    case Opcode::Mov:
    case Opcode::Movnti: return move(e);
    case Opcode::Movzx:
    case Opcode::Movsx:
    case Opcode::Movsxd: return extend(e);
    case Opcode::Lea: return load_address(e);
    case Opcode::Xchg: return exchange(e);
    case Opcode::Cbw: return extend_accumulator(e);
    case Opcode::Cwd: return spread_sign(e);
    case Opcode::Nop:
    case Opcode::Prefetch: return true;
    default: e.a.mfence(); return true;
  }
}

bool translate_conditional(Emitter& e) {
  const Instruction& instruction = *e.instruction;
  // A load comes before the condition is looked at, and takes what of it only the host's flags have.
  if (instruction.opcode == Opcode::Cmovcc && is_memory(instruction.operands[1])) e.clobber();
  if (!e.has_condition(instruction.condition)) return false;
  return instruction.opcode == Opcode::Setcc ? set_byte(e) : move_if(e);
}

}  // namespace tsbhyve::soft
