// SPDX-License-Identifier: BSD-2-Clause
// What each operand form of the tables means: where the operand is and how wide.
#pragma once

#include "soft/decode/table.h"

namespace tsbhyve::soft {

enum class Place : u8 {
  None,
  Reg,         // ModRM.reg
  Rm,          // ModRM.rm or memory
  RmRegister,  // ModRM.rm, memory is #UD
  MemoryOnly,  // memory, a register is #UD
  OpcodeReg,   // low three bits of the opcode
  Fixed,       // FormInfo::reg
  StackTop,    // ST(ModRM.rm)
  Constant1,
  Immediate,        // zero-extended
  SignedImmediate,  // sign-extended; FormInfo::encoded bytes
  NestedImmediate,  // ENTER: imm16 and imm8
  Relative,
  FarPointer,
  Offset,
};

/// Widths; values below 0x80 are bytes as they are.
enum class Width : u8 {
  V = 0x80,     // operand size
  Z,            // operand size, at most 4
  Y,            // 4, or 8 with REX.W
  Mode,         // 8 in 64-bit mode, else 4
  Pair,         // twice the operand size
  Far,          // operand size and a selector
  Descriptor,   // GDTR image: 10 in 64-bit mode, else 6
  Exchange,     // 8, or 16 with REX.W
  Environment,  // 14 or 28
  State,        // 94 or 108
};

constexpr Width bytes(u8 count) { return static_cast<Width>(count); }

struct FormInfo {
  Place place = Place::None;
  OperandKind kind = OperandKind::None;  // of a register
  Width width = bytes(0);                // of a register or immediate
  Width memory_width = bytes(0);
  Width encoded = bytes(0);  // immediates: bytes in the instruction
  u8 reg = 0;
};

const FormInfo& form_info(Form form);

}  // namespace tsbhyve::soft
