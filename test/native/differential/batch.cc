// SPDX-License-Identifier: BSD-2-Clause
#include "batch.h"

#include <algorithm>

#include "allowed.h"
#include "generate.h"
#include "soft/cpu.h"

namespace tsbhyve::differential {

namespace {

using enum Opcode;

constexpr u32 fewest = 5, most = 30;

bool is_one_of(Opcode opcode, std::initializer_list<Opcode> opcodes) {
  return std::find(opcodes.begin(), opcodes.end(), opcode) != opcodes.end();
}

bool loads_segments(Opcode opcode) { return is_one_of(opcode, {MovSeg, PopSeg, LoadFarPointer, Iret}); }

bool uses_fx(Opcode opcode) {
  const Family family = family_of(opcode);
  return family == Family::X87 || family == Family::Sse;
}

/// In a block, nothing may move RSP away, and addresses must not depend on registers that the block changes.
bool fits_block(const Instruction& instruction) {
  if (names_memory(instruction) && (instruction.memory.base < 16 || instruction.memory.index < 16)) return false;
  for (const Operand& operand : instruction.operands) {
    if (operand.kind == OperandKind::Gpr && operand.reg == RSP) return false;
  }
  return true;
}

bool belongs_in_block(const Form& form) {
  if (family_of(form.opcode) == Family::Branch) return is_one_of(form.opcode, {Nop});
  if (is_one_of(form.opcode, {Div, Idiv, Aam, Pusha, Popa, Popf, Enter, Leave, Xlat, Maskmovq, Maskmovdqu, Ldmxcsr,
                              Fxrstor, Fldenv, Frstor, Fnstenv, Fnsave, Fxsave}))
    return false;
  const Family family = family_of(form.opcode);
  return family == Family::Integer || family == Family::X87 || family == Family::Sse;
}

Setting draw_setting(CodeSize code_size, Random& random) {
  if (code_size == CodeSize::Bits64) return Setting::Code64;
  if (code_size == CodeSize::Bits16) return Setting::Code16;
  return random.chance(2) ? Setting::Flat32 : Setting::Segmented32;
}

}  // namespace

const Instruction& Batch::subject() const {
  static const Instruction nothing{};
  return is_block() ? nothing : instructions.front();
}

std::optional<Batch> batch_of(Setting setting, u64 start, const std::vector<u8>& code) {
  Batch batch;
  if (code.empty() || code.size() > max_code) return std::nullopt;
  batch.test.setting = setting;
  batch.test.start = start;
  batch.test.length = static_cast<u32>(code.size());
  std::copy(code.begin(), code.end(), batch.test.code);
  for (size_t at = 0; at < code.size();) {
    Instruction instruction;
    if (decode(code.data() + at, code.size() - at, info_of(setting).code_size, instruction) != DecodeStatus::Ok)
      return std::nullopt;
    batch.test.uses_fx |= uses_fx(instruction.opcode);
    batch.test.loads_segments |= loads_segments(instruction.opcode);
    batch.is_exact &= !leaves_undefined(instruction, test::host_kind());
    batch.instructions.push_back(instruction);
    at += instruction.length;
  }
  return batch;
}

std::optional<Batch> draw_single(const Form& form, Random& random) {
  const Setting setting = draw_setting(form.code_size, random);
  u8 bytes[15];
  Instruction instruction;
  if (!draw_instruction(form, setting, random, bytes, instruction)) return std::nullopt;
  // Now and then the code runs into the absent page, sometimes in the middle of the instruction. AMD does not fetch the
  // ModRM byte of UD1.
  const u64 start =
      instruction.opcode != Ud && random.chance(32) ? code_end - 1 - random.below(instruction.length) : code_start;
  return batch_of(setting, start, {bytes, bytes + instruction.length});
}

BlockMaker::BlockMaker(const std::vector<Form>& forms) {
  for (const Form& form : forms) {
    if (!belongs_in_block(form)) continue;
    const auto size = static_cast<size_t>(form.code_size);
    (family_of(form.opcode) == Family::Integer ? integer_ : other_)[size].push_back(form);
  }
}

std::optional<Batch> BlockMaker::draw(Random& random) const {
  const size_t size = random.chance(2) ? 2 : random.below(2);
  const Setting setting = draw_setting(static_cast<CodeSize>(size), random);
  const u32 count = fewest + random.below(most - fewest + 1);
  const bool exact = random.chance(2), with_others = random.chance(3);
  std::vector<u8> code;
  for (u32 i = 0; i < count;) {
    const std::vector<Form>& list = with_others && random.chance(2) ? other_[size] : integer_[size];
    if (list.empty()) return std::nullopt;
    u8 bytes[15];
    Instruction instruction;
    const Form& form = list[random.below(static_cast<u32>(list.size()))];
    if (!draw_instruction(form, setting, random, bytes, instruction) || !fits_block(instruction)) continue;
    if (exact && leaves_undefined(instruction, test::host_kind())) continue;
    if (code.size() + instruction.length > max_code) break;
    code.insert(code.end(), bytes, bytes + instruction.length);
    i++;
  }
  return batch_of(setting, code_start, code);
}

}  // namespace tsbhyve::differential
