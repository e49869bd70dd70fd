// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/flag_recipe.h"

#include "soft/flags.h"
#include "soft/integer/shift_operations.h"

namespace tsbhyve::soft {

namespace {

template <class T>
T value_of(const Cpu* cpu, const FlagSource& source, u64 saved) {
  switch (source.kind) {
    case FlagSource::Kind::Register: return static_cast<T>(cpu->gpr[source.reg] + static_cast<u64>(i64{source.value}));
    case FlagSource::Kind::Constant: return static_cast<T>(source.value);
    default: return static_cast<T>(saved);
  }
}

template <class T>
T left_of(const Cpu* cpu, const FlagRecipe& recipe) {
  return value_of<T>(cpu, recipe.left, cpu->translated.saved_left);
}
template <class T>
T right_of(const Cpu* cpu, const FlagRecipe& recipe) {
  return value_of<T>(cpu, recipe.right, cpu->translated.saved_right);
}
template <class T>
T result_of(const Cpu* cpu, const FlagRecipe& recipe) {
  return value_of<T>(cpu, recipe.result, cpu->translated.saved_result);
}

template <class T>
void complete(Cpu* cpu) {
  const LazyFlags lazy = cpu->lazy;
  const auto kind = static_cast<FlagKind>(lazy.kind & ~missing_part_mask & ~u32{3});
  T left = static_cast<T>(lazy.left), right = static_cast<T>(lazy.right), result = static_cast<T>(lazy.result);
  switch (static_cast<MissingPart>(lazy.kind & missing_part_mask)) {
    case MissingPart::Result: result = static_cast<T>(kind == FlagKind::Logic ? left & right : left - right); break;
    case MissingPart::Left: left = static_cast<T>(kind == FlagKind::Add ? result - right : result + right); break;
    case MissingPart::Right: right = static_cast<T>(left - result); break;
  }
  set_lazy<T>(cpu, kind, result, left, right);
}

void complete_flags(Cpu* cpu) {
  switch (cpu->lazy.kind & 3) {
    case 0: return complete<u8>(cpu);
    case 1: return complete<u16>(cpu);
    case 2: return complete<u32>(cpu);
    default: return complete<u64>(cpu);
  }
}

/// As translated code does it.
template <class T>
void settle_lazy(Cpu* cpu, const FlagRecipe& recipe) {
  const T left = left_of<T>(cpu, recipe), right = right_of<T>(cpu, recipe), result = result_of<T>(cpu, recipe);
  cpu->lazy = {incomplete_kind(recipe), result, left, right};
  complete<T>(cpu);
}

template <class T, class Operation>
void settle_shift(Cpu* cpu, const FlagRecipe& recipe) {
  const T left = left_of<T>(cpu, recipe);
  const u32 count = static_cast<u32>(recipe.right.value);
  const T result = Operation::template result<T>(cpu, left, count);
  write_status_flags(cpu, Operation::template flags<T>(cpu, left, result, count));
}

template <class T>
void settle(Cpu* cpu, const FlagRecipe& recipe) {
  using namespace operation;
  switch (recipe.origin) {
    case FlagOrigin::Memory: return;
    case FlagOrigin::Add:
    case FlagOrigin::Sub:
    case FlagOrigin::Logic:
    case FlagOrigin::Test: return settle_lazy<T>(cpu, recipe);
    case FlagOrigin::Shl: return settle_shift<T, Shl>(cpu, recipe);
    case FlagOrigin::Shr: return settle_shift<T, Shr>(cpu, recipe);
    case FlagOrigin::Sar: return settle_shift<T, Sar>(cpu, recipe);
    case FlagOrigin::Captured: return write_status_flags(cpu, static_cast<u32>(cpu->translated.captured));
  }
}

template <class T>
u32 rotated_flags(const Cpu* cpu, const FlagRecipe& recipe) {
  const T turned = value_of<T>(cpu, recipe.turned, cpu->translated.saved_turned);
  return recipe.overlay == FlagOverlay::RotateLeft ? operation::leftward_flags<T>(turned, turned & 1)
                                                   : operation::rightward_flags<T>(turned, operation::top_bit(turned));
}

void settle_count(Cpu* cpu, const FlagRecipe& recipe) {
  const FlagKind kind = recipe.overlay == FlagOverlay::Increment ? FlagKind::Inc : FlagKind::Dec;
  const bool carry = carry_flag(cpu);
  const auto set = [&]<class T>(T result) { set_lazy<T>(cpu, kind, result, carry, 0); };
  const u64 saved = cpu->translated.saved_turned;
  switch (recipe.overlay_size) {
    case 1: return set(value_of<u8>(cpu, recipe.turned, saved));
    case 2: return set(value_of<u16>(cpu, recipe.turned, saved));
    case 4: return set(value_of<u32>(cpu, recipe.turned, saved));
    default: return set(value_of<u64>(cpu, recipe.turned, saved));
  }
}

template <class Operation>
void settle_counted_shift(Cpu* cpu, const FlagRecipe& recipe) {
  const u32 count = static_cast<u32>(cpu->translated.saved_right);
  if (count == 0) return;
  const auto flags = [&]<class T>(T old) {
    return Operation::template flags<T>(cpu, old, Operation::template result<T>(cpu, old, count), count);
  };
  const u64 old = cpu->translated.saved_left;
  write_status_flags(cpu, recipe.overlay_size == 4 ? flags(static_cast<u32>(old)) : flags(old));
}

void settle_overlay(Cpu* cpu, const FlagRecipe& recipe) {
  const bool carry = (cpu->translated.carry & 1) != 0;
  switch (recipe.overlay) {
    case FlagOverlay::None: return;
    case FlagOverlay::RotateLeft:
    case FlagOverlay::RotateRight:
      return change_status_flags(
          cpu, operation::rotate_flags,
          recipe.overlay_size == 4 ? rotated_flags<u32>(cpu, recipe) : rotated_flags<u64>(cpu, recipe));
    case FlagOverlay::Overflow: return change_status_flags(cpu, flag_cf | flag_of, carry ? flag_cf | flag_of : 0);
    case FlagOverlay::Carry: return change_status_flags(cpu, flag_cf, carry ? flag_cf : 0);
    case FlagOverlay::Increment:
    case FlagOverlay::Decrement: return settle_count(cpu, recipe);
    case FlagOverlay::Divided: return change_status_flags(cpu, flag_pf | flag_af | flag_zf | flag_sf, flag_af);
    case FlagOverlay::ShiftLeft: return settle_counted_shift<operation::Shl>(cpu, recipe);
    case FlagOverlay::ShiftRight: return settle_counted_shift<operation::Shr>(cpu, recipe);
    case FlagOverlay::ShiftArithmetic: return settle_counted_shift<operation::Sar>(cpu, recipe);
  }
}

}  // namespace

u32 incomplete_kind(const FlagRecipe& recipe) {
  FlagKind kind = FlagKind::Logic;
  if (recipe.origin == FlagOrigin::Add) kind = FlagKind::Add;
  if (recipe.origin == FlagOrigin::Sub) kind = FlagKind::Sub;
  MissingPart missing = MissingPart::Left;
  if (is_present(recipe.left)) missing = is_present(recipe.result) ? MissingPart::Right : MissingPart::Result;
  return static_cast<u32>(kind) | static_cast<u32>(missing) | width_of(recipe.size);
}

void settle_flags(Cpu* cpu, const FlagRecipe* recipe) {
  if (cpu->lazy.kind & missing_part_mask) complete_flags(cpu);
  if (!recipe) return;
  switch (recipe->size) {
    case 1: settle<u8>(cpu, *recipe); break;
    case 2: settle<u16>(cpu, *recipe); break;
    case 4: settle<u32>(cpu, *recipe); break;
    default: settle<u64>(cpu, *recipe); break;
  }
  settle_overlay(cpu, *recipe);
}

}  // namespace tsbhyve::soft
