// SPDX-License-Identifier: BSD-2-Clause
#include "soft/decode/registers_changed.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace tsbhyve::soft {

namespace {

using enum Opcode;

constexpr u32 rax = 1u << 0, rcx = 1u << 1, rdx = 1u << 2, rsp = 1u << 4;

struct Change {
  bool is_known = false;
  bool first = false, second = false;  // operands that are general registers
  u32 always = 0;                      // whatever the operands
};

struct ChangeRow {
  Change change;
  std::initializer_list<Opcode> opcodes;
};

// clang-format off
constexpr ChangeRow change_rows[] = {
    {{true, false, false, 0}, {Cmp, Test, Bt, Jcc, Jmp, Nop, Prefetch, Lfence, Sfence, Mfence}},
    {{true, true, false, 0}, {Add, Or, Adc, Sbb, And, Sub, Xor, Inc, Dec, Neg, Not, Bswap, Shl, Shr, Sar, Rol, Ror,
                              Imul2, Imul3, Bts, Btr, Btc, Bsf, Bsr, Popcnt, Mov, Movnti, Movzx, Movsx, Movsxd, Lea,
                              Cmovcc, Setcc, Movd, Movq, Movss, Movsd, Movups, Movupd, Movdqu, Movaps, Movapd, Movdqa}},
    {{true, true, true, 0}, {Xchg, Xadd}},
    {{true, true, false, rax}, {Cmpxchg}},
    {{true, false, false, rax | rdx}, {Mul, Imul1, Div, Idiv}},
    {{true, false, false, rax}, {Cbw}},
    {{true, false, false, rdx}, {Cwd}},
    {{true, false, false, rcx}, {Pcmpestri, Pcmpistri}},
    {{true, false, false, rsp}, {Push}},
    {{true, true, false, rsp}, {Pop}},
};
// clang-format on

constexpr Opcode only_read[] = {Cmp, Test, Push, Mul, Imul1, Div, Idiv, JmpIndirect, CallIndirect};

constexpr auto changes = [] {
  std::array<Change, static_cast<size_t>(Opcode::Count)> table{};
  for (const ChangeRow& row : change_rows)
    for (const Opcode opcode : row.opcodes) table[static_cast<size_t>(opcode)] = row.change;
  return table;
}();

u32 bit_of(const Operand& operand) { return is_general(operand) ? 1u << operand.reg : 0; }

bool is_vector(const Operand& operand) { return operand.kind == OperandKind::Xmm; }

}  // namespace

u32 registers_changed(const Instruction& instruction) {
  const Operand &first = instruction.operands[0], &second = instruction.operands[1];
  const Change& change = changes[static_cast<size_t>(instruction.opcode)];
  if (change.is_known) {
    return change.always | (change.first ? bit_of(first) : 0) | (change.second ? bit_of(second) : 0);
  }
  return (is_vector(first) || is_vector(second)) && !is_general(first) ? 0 : all_registers;
}

bool writes_memory(const Instruction& instruction) {
  return instruction.operands[0].kind == OperandKind::Memory &&
         std::find(std::begin(only_read), std::end(only_read), instruction.opcode) == std::end(only_read);
}

}  // namespace tsbhyve::soft
