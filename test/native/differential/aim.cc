// SPDX-License-Identifier: BSD-2-Clause
// Addresses that hit the window: most in its middle, some across pages, some into read-only and absent ones.
#include <algorithm>

#include "generate.h"
#include "guest_tables.h"

namespace tsbhyve::differential {

namespace {

using enum Opcode;

u64 mask_of(u32 bytes) { return bytes == 8 ? ~u64{0} : (u64{1} << (bytes * 8)) - 1; }

u64 draw_target(Random& random) {
  const u64 aligned = random.chance(3) ? 0 : 15;
  switch (random.below(16)) {
    case 0: return window_base + page_size - random.below(20);  // across two writable pages
    case 1: return writable_end - random.below(20);             // into the absent page
    case 2: return writable_end - 8 * random.below(12);         // up to it
    case 3: return read_only_page + 0x40 + random.below(64);
    case 4: return random.chance(2) ? writable_end + random.below(64) : read_only_page - random.below(16);
    default: return window_base + 0x640 + ((0x80 + random.below(0x140)) & ~aligned);
  }
}

class Aim {
 public:
  Aim(const Instruction& instruction, Random& random, Case& test)
      : instruction_(instruction), random_(random), test_(test), gpr_(test.registers.gpr) {}

  u64 segment_base(u8 segment) const {
    if (test_.setting != Setting::Code64) return segment_for(test_.registers.selector[segment]).base;
    return segment == FS ? test_.registers.fs_base : segment == GS ? test_.registers.gs_base : 0;
  }

  /// Changes the low bits of a register so that it holds `offset` in `bytes` bytes.
  void point(u8 reg, u64 linear, u8 segment, u32 bytes) {
    const u64 mask = mask_of(bytes);
    gpr_[reg] = (gpr_[reg] & ~mask) | ((linear - segment_base(segment)) & mask);
  }

  void memory_operand() {
    const MemoryOperand& memory = instruction_.memory;
    const u64 mask = mask_of(instruction_.address_size);
    const bool has_base = memory.base < 16, has_index = memory.index < 16;
    if (!has_base && !has_index) {
      test_.operand_address = fixed_address();
      return;
    }
    const u64 target = draw_target(random_);
    const u64 wanted = target - segment_base(memory.segment) - static_cast<u64>(memory.displacement);
    const u8 reg = has_base ? memory.base : memory.index;
    if (has_base && has_index && memory.base == memory.index) {
      gpr_[reg] = (gpr_[reg] & ~mask) | ((wanted / (1 + (u64{1} << memory.scale))) & mask);
    } else if (has_base) {
      const u64 index = has_index ? gpr_[memory.index] << memory.scale : 0;
      gpr_[reg] = (gpr_[reg] & ~mask) | ((wanted - index) & mask);
    } else {
      gpr_[reg] = (gpr_[reg] & ~mask) | ((wanted & mask) >> memory.scale);
    }
    const u64 index = has_index ? gpr_[memory.index] << memory.scale : 0;
    const u64 base = has_base ? gpr_[memory.base] : 0;
    test_.operand_address =
        ((base + index + static_cast<u64>(memory.displacement)) & mask) + segment_base(memory.segment);
  }

  /// The address of an operand that no register moves.
  u64 fixed_address() const {
    const MemoryOperand& memory = instruction_.memory;
    const u64 base = memory.base == rip_register ? test_.registers.rip + instruction_.length : 0;
    const u64 offset = base + static_cast<u64>(memory.displacement);
    return (offset & mask_of(instruction_.address_size)) + segment_base(memory.segment);
  }

  void implicit_operands() {
    const u32 width = instruction_.address_size;
    switch (instruction_.opcode) {
      case Movs:
      case Cmps:
        point(RSI, draw_target(random_), instruction_.memory.segment, width);
        test_.operand_address = draw_target(random_);
        point(RDI, test_.operand_address, ES, width);
        break;
      case Lods:
      case Outs: point(RSI, test_.operand_address = draw_target(random_), instruction_.memory.segment, width); break;
      case Stos:
      case Scas:
      case Ins: point(RDI, test_.operand_address = draw_target(random_), ES, width); break;
      case Xlat: point(RBX, draw_target(random_), instruction_.memory.segment, width); break;
      case Maskmovq:
      case Maskmovdqu:  // whether bytes that are masked out may fault is the processor's choice
        point(RDI, window_base + 0x700, instruction_.memory.segment, width);
        break;
      case Leave: point(RBP, test_.operand_address = draw_target(random_), SS, 8); break;
      case Pop:
      case Popa:
      case Popf:
      case PopSeg:
      case Ret:
      case RetFar:
      case Iret: test_.operand_address = gpr_[RSP] + segment_base(SS); break;
      case Bt:
      case Bts:
      case Btr:
      case Btc: near_bits(); break;
      default: break;
    }
    if (instruction_.repeat != Repeat::None && !random_.chance(16)) {
      gpr_[RCX] = (gpr_[RCX] & ~mask_of(width)) | random_.below(random_.chance(4) ? 300 : 9);
    }
    // A comparison runs on only while elements are equal (or differ): let some be.
    if ((instruction_.opcode == Cmps || instruction_.opcode == Scas) && random_.chance(2)) {
      std::memset(test_.operand, static_cast<u8>(gpr_[RAX]), 16 + random_.below(32));
    }
  }

  void code_target() {
    const u64 offset = info_of(test_.setting).code_offset;
    if (random_.chance(6)) return;
    const u64 target =
        (random_.chance(4) ? test_.start + test_.length : code_base + 0x100 + random_.below(0x600)) - offset;
    std::memcpy(test_.operand, &target, sizeof(target));
    const Operand& operand = instruction_.operands[0];
    if (operand.kind == OperandKind::Gpr) gpr_[operand.reg] = target;
  }

 private:
  /// Bit offsets in a register reach half the address space: keep most of them near.
  void near_bits() {
    const Operand& bit = instruction_.operands[1];
    if (bit.kind != OperandKind::Gpr || random_.chance(8)) return;
    const auto offset = static_cast<i64>(random_.below(1024)) - 512;
    const u64 mask = mask_of(bit.size);
    gpr_[bit.reg] = (gpr_[bit.reg] & ~mask) | (static_cast<u64>(offset) & mask);
  }

  const Instruction& instruction_;
  Random& random_;
  Case& test_;
  u64* gpr_;
};

void put(u8* at, u64 value, u32 bytes) { std::memcpy(at, &value, bytes); }

bool is_window(u64 address) { return address - window_base <= window_pages * page_size - max_operand; }

}  // namespace

void steer(Setting setting, Random& random, u8* bytes, size_t modrm_at, Instruction& instruction) {
  if (random.chance(8)) return;
  const SettingInfo& info = info_of(setting);
  const u8 modrm = bytes[modrm_at];
  if (instruction.operands[0].kind == OperandKind::Relative) {
    const u32 size = instruction.length - static_cast<u32>(modrm_at);
    if (size > 1) put(bytes + modrm_at, u64{random.below(0xe00)} - 0x700, size);
  } else if (instruction.operands[0].kind == OperandKind::FarPointer) {
    u8* const selector = bytes + instruction.length - sizeof(u16);
    put(selector - instruction.operand_size, draw_code_offset(random), instruction.operand_size);
    put(selector, draw_code_selector(instruction.opcode, setting, random), sizeof(u16));
  } else if (names_memory(instruction) && instruction.memory.index == no_register) {
    const u64 target = draw_target(random) - info.data_offset;
    const bool is_offset = instruction.opcode == Mov && (bytes[modrm_at - 1] & 0xfc) == 0xa0;
    if (is_offset) {
      put(bytes + modrm_at, target, instruction.address_size);
    } else if (instruction.memory.base == rip_register) {
      put(bytes + modrm_at + 1, target - (code_start + instruction.length), 4);
    } else if (instruction.memory.base == no_register) {
      const bool has_sib = instruction.address_size != 2 && (modrm & 7) == 4;
      put(bytes + modrm_at + (has_sib ? 2 : 1), target, instruction.address_size == 2 ? 2 : 4);
    }
  }
  decode(bytes, 15, info.code_size, instruction);
}

void aim(const Instruction& instruction, Random& random, Case& test) {
  Aim aiming(instruction, random, test);
  test.operand_address = 0;
  const Opcode opcode = instruction.opcode;
  // A far call may push on the new code's stack or on the old one's: both must be the same.
  if (is_far_transfer(opcode) || !random.chance(24)) {
    aiming.point(RSP, draw_target(random), SS, test.setting == Setting::Code64 ? 8 : 4);
    if (random.chance(2)) test.registers.gpr[RSP] &= ~u64{7};
  }
  // AMD pushes a selector as 32 bits, Intel as 16: the same when no page lies between.
  if (instruction.opcode == PushSeg) test.registers.gpr[RSP] &= ~u64{7};
  if (opcode == JmpIndirect || opcode == CallIndirect || opcode == Ret) aiming.code_target();
  const bool must_hit = opcode == Popf || opcode == Maskmovq || opcode == Maskmovdqu || loads_selector(opcode);
  if (must_hit || !random.chance(16)) {
    aiming.implicit_operands();
    if (names_memory(instruction)) aiming.memory_operand();
  }
  if (!is_window(test.operand_address)) test.operand_address = 0;
  if (opcode == Popf) test.operand[1] &= 0xfe;  // not TF
}

}  // namespace tsbhyve::differential
