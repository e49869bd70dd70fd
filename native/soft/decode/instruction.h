// SPDX-License-Identifier: BSD-2-Clause
// What decoding yields: one engine-neutral instruction, from which tier 1 makes an Op and a translator can make code.
#pragma once

#include "soft/types.h"

namespace tsbhyve::soft {

enum class Opcode : u16 {
  Invalid,  // decodes to #UD
#define OPCODE(name) name,
#include "soft/decode/opcodes.def"
#undef OPCODE
  Count
};

/// Width of code (CS.L, CS.D) at decode time.
enum class CodeSize : u8 { Bits16, Bits32, Bits64 };

enum class OperandKind : u8 {
  None,
  Gpr,         // reg 0-15, size 1/2/4/8 bytes; with size 1 this is the low byte
  GprHigh,     // AH CH DH BH: reg 0-3 names the register whose second byte is meant
  Memory,      // described by Instruction::memory, size in bytes
  Immediate,   // Instruction::immediate
  Relative,    // branch displacement in Instruction::immediate, relative to the next instruction
  FarPointer,  // Instruction::immediate = offset, Instruction::selector = selector
  Segment,     // reg = SegmentRegister
  Control,     // reg = control register number
  Debug,       // reg = debug register number
  Xmm,
  Mmx,
  Fpu,  // reg = distance from the top of the stack, ST(i)
};

enum SegmentRegister : u8 { ES = 0, CS = 1, SS = 2, DS = 3, FS = 4, GS = 5 };

struct Operand {
  OperandKind kind = OperandKind::None;
  u8 reg = 0;
  u8 size = 0;  // bytes: 1, 2, 4, 8, 16; far pointers 4/6/10, x87 10, 14/28, 94/108; 0 for FXSAVE's 512
};

inline bool is_general(const Operand& operand) {
  return operand.kind == OperandKind::Gpr || operand.kind == OperandKind::GprHigh;
}

inline constexpr u8 no_register = 0xff;
inline constexpr u8 rip_register = 0xfe;  // MemoryOperand::base of RIP-relative addressing

/// Effective address = base + (index << scale) + displacement, cut to the address size, in `segment`.
struct MemoryOperand {
  u8 base = no_register;
  u8 index = no_register;
  u8 scale = 0;          // shift, 0-3
  u8 segment = DS;       // after overrides and the SS default of RSP/RBP bases
  i64 displacement = 0;  // 64-bit only for MOV moffs
};

enum class Repeat : u8 { None, Rep /* F3 */, Repne /* F2 */ };

/// Status flags CF PF AF ZF SF OF by their EFLAGS bits.
inline constexpr u32 flag_cf = 1u << 0, flag_pf = 1u << 2, flag_af = 1u << 4, flag_zf = 1u << 6, flag_sf = 1u << 7,
                     flag_of = 1u << 11;
inline constexpr u32 status_flags = flag_cf | flag_pf | flag_af | flag_zf | flag_sf | flag_of;

/// In bytes (SDM vol. 2, 2.3.11).
inline constexpr u32 max_instruction_length = 15;

struct Instruction {
  Opcode opcode = Opcode::Invalid;
  u8 length = 0;        // bytes, 1-15
  u8 operand_size = 0;  // bytes of the effective operand size: 1 (byte forms), 2, 4 or 8
  u8 address_size = 0;  // bytes: 2, 4 or 8
  CodeSize code_size = CodeSize::Bits64;
  Repeat repeat = Repeat::None;  // only on string operations (elsewhere the prefix is mandatory or ignored)
  bool lock = false;
  bool threaded = false;  // other vCPUs run at the same time; known to the builder of blocks, not to the decoder
  u8 condition = 0;       // low four bits of Jcc/SETcc/CMOVcc opcodes
  Operand operands[3];    // destination first, as the SDM writes them; implicit operands are not listed
  MemoryOperand memory;
  u64 immediate = 0;  // sign-extended to 64 bits where the SDM says so; x87: the 11 bits of FOP (SDM vol. 1, 8.1.9)
  u16 selector = 0;   // far pointers; ENTER's nesting level
};

/// Facts about an opcode that the block builder needs.
struct OpcodeInfo {
  u32 flags_read;     // status flags it may read
  u32 flags_written;  // status flags it may overwrite (also with undefined values: ours are defined)
  bool ends_block;    // control leaves, or system state may change: nothing after it belongs to the block
  bool may_fault;     // may raise an exception or leave to the device model even without a memory operand
};

const char* opcode_name(Opcode opcode);
const OpcodeInfo& opcode_info(Opcode opcode);

/// Flags written by this very instruction: shifts and rotates by a count of zero and REP strings write none for
/// certain.
u32 certain_flags_written(const Instruction& instruction);

enum class DecodeStatus : u8 {
  Ok,         // also for Opcode::Invalid (#UD), with the length consumed
  Truncated,  // `available` bytes are not enough: more are needed
  TooLong,    // more than 15 bytes: #GP(0)
};

/// Decodes one instruction from `bytes`. Never reads past `available` and never more than 15 bytes.
DecodeStatus decode(const u8* bytes, size_t available, CodeSize code_size, Instruction& instruction);

}  // namespace tsbhyve::soft
