// SPDX-License-Identifier: BSD-2-Clause
#include "soft/decode/registers_changed.h"

namespace tsbhyve::soft {

namespace {

constexpr u32 rax = 1u << 0, rcx = 1u << 1, rdx = 1u << 2, rsp = 1u << 4;

u32 bit_of(const Operand& operand) { return is_general(operand) ? 1u << operand.reg : 0; }

}  // namespace

u32 registers_changed(const Instruction& instruction) {
  using enum Opcode;
  const u32 first = bit_of(instruction.operands[0]), second = bit_of(instruction.operands[1]);
  switch (instruction.opcode) {
    case Cmp:
    case Test:
    case Bt:
    case Jcc:
    case Jmp:
    case Nop:
    case Prefetch:
    case Lfence:
    case Sfence:
    case Mfence: return 0;
    case Add:
    case Or:
    case Adc:
    case Sbb:
    case And:
    case Sub:
    case Xor:
    case Inc:
    case Dec:
    case Neg:
    case Not:
    case Bswap:
    case Shl:
    case Shr:
    case Sar:
    case Rol:
    case Ror:
    case Imul2:
    case Imul3:
    case Bts:
    case Btr:
    case Btc:
    case Bsf:
    case Bsr:
    case Popcnt:
    case Mov:
    case Movnti:
    case Movzx:
    case Movsx:
    case Movsxd:
    case Lea:
    case Cmovcc:
    case Setcc:
    case Movd:
    case Movq:
    case Movss:
    case Movsd:
    case Movups:
    case Movupd:
    case Movdqu:
    case Movaps:
    case Movapd:
    case Movdqa: return first;
    case Xchg:
    case Xadd: return first | second;
    case Cmpxchg: return first | rax;
    case Mul:
    case Imul1:
    case Div:
    case Idiv: return rax | rdx;
    case Cbw: return rax;
    case Cwd: return rdx;
    case Pcmpestri:
    case Pcmpistri: return rcx;
    case Push: return rsp;
    case Pop: return rsp | first;
    default: {
      const auto is_vector = [](const Operand& operand) { return operand.kind == OperandKind::Xmm; };
      const bool is_sse = is_vector(instruction.operands[0]) || is_vector(instruction.operands[1]);
      return is_sse && !is_general(instruction.operands[0]) ? 0 : all_registers;
    }
  }
}

bool writes_memory(const Instruction& instruction) {
  using enum Opcode;
  if (instruction.operands[0].kind != OperandKind::Memory) return false;
  switch (instruction.opcode) {
    case Cmp:
    case Test:
    case Push:
    case Mul:
    case Imul1:
    case Div:
    case Idiv:
    case JmpIndirect:
    case CallIndirect: return false;
    default: return true;
  }
}

}  // namespace tsbhyve::soft
