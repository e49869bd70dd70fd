// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/places.h"

#include <algorithm>

#include "soft/decode/registers_changed.h"

namespace tsbhyve::soft {

namespace {

/// The larger a place, the more often it does not lie on one page, and then nothing is won.
constexpr i32 longest_place = 512;
/// What a place is kept in memory for: fewer do not gain what the way there and back takes.
constexpr u32 others_wanted = 3;

/// By how much it moves a register that it gives no other value.
std::optional<i32> move_of(const Instruction& instruction, u8 guest) {
  using enum Opcode;
  const Operand& to = instruction.operands[0];
  const bool is_own = to.kind == OperandKind::Gpr && to.reg == guest && to.size == 8;
  const MemoryOperand& memory = instruction.memory;
  i64 by = 0;
  switch (instruction.opcode) {
    case Add:
    case Sub:
      if (!is_own || instruction.operands[1].kind != OperandKind::Immediate) return std::nullopt;
      by = static_cast<i64>(instruction.immediate);
      if (instruction.opcode == Sub) by = -by;
      break;
    case Lea:
      if (!is_own || memory.base != guest || memory.index != no_register || instruction.address_size != 8)
        return std::nullopt;
      by = memory.displacement;
      break;
    case Push:
    case Pop:
      if (guest != RSP || instruction.operand_size != 8) return std::nullopt;
      if (instruction.opcode == Pop && is_general(to) && to.reg == RSP) return std::nullopt;
      by = instruction.opcode == Push ? -8 : 8;
      break;
    default: return std::nullopt;
  }
  constexpr i64 far = 1 << 20;
  return by >= -far && by <= far ? std::optional(static_cast<i32>(by)) : std::nullopt;
}

const Operand* memory_operand(const Instruction& instruction) {
  const auto* const end = std::end(instruction.operands);
  const auto* const found = std::find_if(std::begin(instruction.operands), end,
                                         [](const Operand& operand) { return operand.kind == OperandKind::Memory; });
  return found == end || instruction.opcode == Opcode::Lea ? nullptr : found;
}

/// Whether the instruction is one of those that are looked at here at all.
bool is_plain(const Instruction& instruction, const Operand& memory) {
  return !instruction.lock && instruction.repeat == Repeat::None && memory.size > 0 && memory.size <= 16 &&
         registers_changed(instruction) != all_registers && instruction.opcode != Opcode::Bt;
}

}  // namespace

std::optional<Nearby> nearby(const PlannedBlock& planned, size_t position) {
  const Instruction& instruction = planned.instructions[position];
  const MemoryOperand& memory = instruction.memory;
  if (memory.base == no_register || memory.index != no_register) return std::nullopt;
  if (memory.segment >= FS || instruction.address_size != 8) return std::nullopt;
  i64 at = memory.displacement;
  if (memory.base == rip_register) {
    at += static_cast<i64>(planned.block->physical & page_offset_mask) + planned.block->ops()[position].offset +
          instruction.length;
  }
  constexpr i64 far = 1 << 30;  // what is added to it still fits
  if (at < -far || at > far) return std::nullopt;
  return Nearby{memory.base, static_cast<i32>(at)};
}

std::optional<Place> place_around(const PlannedBlock& planned, size_t position, u32 size, bool writes) {
  const auto start = nearby(planned, position);
  if (!start) return std::nullopt;
  Place place{start->base, writes, start->at, start->at + static_cast<i32>(size), 0};
  u32 others = 0;
  i32 moved = 0;  // of the base, since `position`
  for (size_t i = position; i < planned.instructions.size(); i++) {
    const Instruction& instruction = planned.instructions[i];
    const Operand* const memory = memory_operand(instruction);
    if (const auto other = i == position ? std::nullopt : nearby(planned, i);
        memory && other && other->base == place.base && is_plain(instruction, *memory)) {
      const i32 low = std::min(place.low, other->at + moved);
      const i32 high = std::max(place.high, other->at + moved + memory->size);
      if (high - low <= longest_place) {
        place.low = low, place.high = high, others++;
        place.writable |= writes_memory(instruction);
      }
    }
    if (place.base == rip_register || !(registers_changed(instruction) >> place.base & 1)) continue;
    const auto by = move_of(instruction, place.base);
    if (!by) break;
    moved += *by;
  }
  return others >= others_wanted ? std::optional(place) : std::nullopt;
}

void follow_bases(Places& places, const Instruction& instruction) {
  const u32 changed = registers_changed(instruction);
  for (Place& place : places) {
    if (place.base == no_register || place.base == rip_register || !(changed >> place.base & 1)) continue;
    const auto by = move_of(instruction, place.base);
    constexpr i32 far = 1 << 24;
    if (!by || place.moved < -far || place.moved > far) {
      place = {};
      continue;
    }
    place.low -= *by, place.high -= *by, place.moved += *by;
  }
}

}  // namespace tsbhyve::soft
