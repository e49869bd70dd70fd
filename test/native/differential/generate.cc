// SPDX-License-Identifier: BSD-2-Clause
#include "generate.h"

#include <algorithm>

#include "soft/cpu.h"
#include "values.h"

namespace tsbhyve::differential {

namespace {

using enum Opcode;

constexpr u32 attempts = 64;
constexpr u8 needless_prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x67, 0xf0};
constexpr u8 rex_w = 8;
constexpr u16 selectors[] = {0,
                             3,
                             flat_code32,
                             flat_data,
                             flat_code64,
                             code16,
                             code32_based,
                             data16,
                             data32_small,
                             data_down,
                             data_read_only,
                             code_unreadable,
                             data_absent,
                             code_conforming,
                             ldt_selector(9),
                             0x2000 | 3,
                             data16 & ~3};

constexpr u16 code_selectors[] = {flat_code32, flat_code64, code16, code32_based};

u8 draw_immediate_byte(Random& random) {
  constexpr u8 boundaries[] = {0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0xff};
  return random.chance(2) ? random.pick(boundaries) : random.byte();
}

/// Branches into themselves or into what follows, which differs between the two sides.
bool runs_into_itself(const Instruction& instruction) {
  constexpr u64 longest_end = 16;
  if (instruction.operands[0].kind != OperandKind::Relative) return false;
  const u64 target = (instruction.immediate + instruction.length) & 0xffff;
  return target < instruction.length + longest_end && target != instruction.length;
}

/// A far pointer, or what a far return or IRET pops.
void draw_frame(const Instruction& instruction, Random& random, Case& test) {
  constexpr u16 stack_selectors[] = {flat_data, flat_data, data16, data32_small, 0, flat_code64};
  const u64 flags = draw_rflags(random);
  const u64 frame[] = {draw_code_offset(random), draw_code_selector(instruction.opcode, test.setting, random), flags,
                       test.registers.gpr[RSP], random.pick(stack_selectors)};
  u8* at = test.operand;
  for (const u64 value : frame) {
    std::memcpy(at, &value, instruction.operand_size);
    at += instruction.operand_size;
  }
}

void draw_selectors(const Instruction& instruction, Random& random, Case& test) {
  // Other selectors only of the LDT: what else is in the host's GDT, Linux decides.
  for (u64& gpr : test.registers.gpr) {
    gpr = random.chance(8) ? gpr | 4 : (gpr & ~u64{0xffff}) | random.pick(selectors);
  }
  if (is_far_transfer(instruction.opcode)) return draw_frame(instruction, random, test);
  // Far pointers hold the selector behind the offset.
  const size_t at = instruction.opcode == LoadFarPointer ? instruction.operand_size : 0;
  const u16 selector = random.pick(selectors);
  std::memcpy(test.operand + at, &selector, sizeof(selector));
}

/// MXCSR images: the host's AMD-only bit 17 never, a valid one mostly.
void draw_mxcsr_image(Random& random, u8* at) {
  at[2] &= 0xfd;
  if (!random.chance(8)) at[2] = at[3] = 0;
}

/// Whether, and as what, alignment checking applies to wide operands, a processor may choose (SDM vol. 2, table 2-21).
bool alignment_check_is_optional(const Instruction& instruction) {
  // Intel writes a pushed selector as 16 bits, whatever the operand size.
  if (instruction.opcode == Maskmovdqu || instruction.opcode == Maskmovq || instruction.opcode == PushSeg) return true;
  return std::any_of(std::begin(instruction.operands), std::end(instruction.operands),
                     [](const Operand& operand) { return operand.kind == OperandKind::Memory && operand.size >= 10; });
}

bool has_far_operand(Opcode opcode) { return opcode == LoadFarPointer || opcode == JmpFar || opcode == CallFar; }

}  // namespace

u16 draw_code_selector(Opcode opcode, Setting setting, Random& random) {
  const u16 selector = random.chance(4) ? random.pick(selectors) : random.pick(code_selectors);
  // Whether the stack is that of the old or of the new code, AMD and Intel order differently: it must look the same to
  // both.
  const bool same_stack = opcode == JmpFar || info_of(setting).data_offset == 0;
  return selector == flat_code64 && !same_stack ? code32_based : selector;
}

/// Breakpoints, as an offset in a flat segment or in one that starts with the code.
u64 draw_code_offset(Random& random) { return 0x100 + random.below(0x600) + (random.chance(2) ? code_base : 0); }

bool is_far_transfer(Opcode opcode) {
  return opcode == JmpFar || opcode == CallFar || opcode == RetFar || opcode == Iret;
}

bool loads_selector(Opcode opcode) {
  constexpr Opcode loaders[] = {MovSeg, PopSeg, LoadFarPointer, Lar,     Lsl,    Verr,
                                Verw,   Arpl,   JmpFar,         CallFar, RetFar, Iret};
  return std::find(std::begin(loaders), std::end(loaders), opcode) != std::end(loaders);
}

bool draw_instruction(const Form& form, Setting setting, Random& random, u8* bytes, Instruction& instruction) {
  for (u32 attempt = 0; attempt < attempts; attempt++) {
    size_t n = 0;
    if (random.chance(6)) bytes[n++] = random.pick(needless_prefixes);
    if (form.prefix) bytes[n++] = form.prefix;
    if (form.code_size == CodeSize::Bits64 && (form.rex_w || random.chance(2))) {
      bytes[n++] = static_cast<u8>(0x40 | (random.byte() & 7) | (form.rex_w ? rex_w : 0));
    }
    const OpcodeMapBytes& map = opcode_maps[form.map];
    for (size_t i = 0; i < map.count; i++) bytes[n++] = map.bytes[i];
    bytes[n++] = form.opcode_byte;
    const bool fixed = is_x87_form(form.map, form.opcode_byte) && form.modrm >= 0xc0 && attempt > 4;
    u8 modrm = fixed ? form.modrm : random.byte();
    if (!fixed && random.chance(2)) modrm = static_cast<u8>((modrm & 0xc7) | (form.modrm & 0x38));
    if ((form.modrm >= 0xc0) != (modrm >= 0xc0)) modrm ^= 0xc0;
    const size_t modrm_at = n;
    bytes[n++] = modrm;
    while (n < 15) bytes[n++] = draw_immediate_byte(random);
    if (decode(bytes, n, form.code_size, instruction) != DecodeStatus::Ok) continue;
    steer(setting, random, bytes, modrm_at, instruction);
    if (instruction.opcode != form.opcode || names_memory(instruction) != form.memory) continue;
    if (means_the_same(bytes, instruction)) return true;
  }
  return false;
}

bool means_the_same(const u8* bytes, const Instruction& instruction) {
  if (runs_into_itself(instruction)) return false;
  const Family family = family_of(instruction.opcode);
  const bool is_64 = instruction.code_size == CodeSize::Bits64;
  for (u32 i = 0; i < instruction.length; i++) {
    const u8 byte = bytes[i];
    // BSF and BSR are TZCNT and LZCNT on this host.
    if (byte == 0xf3 && (instruction.opcode == Bsf || instruction.opcode == Bsr)) return false;
    // AMD reads four bytes where Intel documents two.
    if (byte == 0x66 && instruction.opcode == Movsxd && instruction.operand_size == 2) return false;
    // FENI, FDISI and FSETPM are FNOP here but do not wait for exceptions; D9 D8-DF pops an empty register in silence.
    if (byte == 0xdb && instruction.opcode == Fnop) return false;
    if (byte == 0xd9 && instruction.opcode == Fstp && bytes[i + 1] >= 0xd8) return false;
    // Whether bytes that are masked out may fault is the processor's choice.
    const bool masked_move = instruction.opcode == Maskmovq || instruction.opcode == Maskmovdqu;
    if (masked_move && (instruction.memory.segment != DS || (byte == 0x67 && !is_64))) return false;
    // F2 and F3 make LOOPNE of LOOPE and the other way round on AMD; nobody documents them there.
    if ((byte == 0xf2 || byte == 0xf3) && (instruction.opcode == Loope || instruction.opcode == Loopne)) return false;
    // PREFETCHW of a register: #UD on AMD, a reserved NOP on Intel.
    if (byte == 0x0f && bytes[i + 1] == 0x0d && instruction.opcode == Nop) return false;
    // AMD cuts near branches to 16 bits by 66 in 64-bit code, and has no 64-bit far pointers.
    if (byte == 0x66 && is_64 && family == Family::Branch) return false;
    if (is_64 && (byte & 0xf8) == 0x48 && has_far_operand(instruction.opcode)) return false;
    if (byte == 0x0f) break;
  }
  // RSP as an address may have an upper half, which a far call to compatibility code cuts before or after it pushes.
  return instruction.opcode != CallFar || !is_64 || instruction.memory.base != RSP;
}

void draw_state(const Instruction& instruction, Random& random, Case& test) {
  const SettingInfo& setting = info_of(test.setting);
  const bool is_64 = setting.code_size == CodeSize::Bits64;
  Registers& registers = test.registers;
  for (u64& gpr : registers.gpr) gpr = is_64 ? draw_integer(random) : draw_integer(random) & 0xffffffff;
  if (!is_64) std::fill(registers.gpr + 8, registers.gpr + 16, 0);
  registers.rflags = draw_rflags(random);
  registers.rip = test.start - setting.code_offset;
  registers.fs_base = is_64 ? window_base + random.below(0x1000) : 0;
  registers.gs_base = is_64 ? window_base + random.below(0x1000) * 8 : 0;
  const u16 chosen[] = {setting.es, setting.cs, setting.ss, setting.ds, setting.fs, setting.gs};
  std::copy(std::begin(chosen), std::end(chosen), registers.selector);
  draw_operand(random, test.operand);
  if (test.uses_fx) draw_fx(random, test.fx);
  const bool block_with_wide_operands = instruction.opcode == Invalid && test.uses_fx;
  if (block_with_wide_operands || alignment_check_is_optional(instruction)) registers.rflags &= ~rflags::AC;
  // Whether it looks at x87 exceptions when it converts memory, AMD and Intel disagree.
  if (instruction.opcode == Cvtpi2ps) test.fx.status &= 0x7f00;
  if (instruction.opcode == Ldmxcsr) draw_mxcsr_image(random, test.operand);
  if (instruction.opcode == Fxrstor) draw_mxcsr_image(random, test.operand + 24);
  if (loads_selector(instruction.opcode)) draw_selectors(instruction, random, test);
  aim(instruction, random, test);
}

}  // namespace tsbhyve::differential
