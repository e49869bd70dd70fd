// SPDX-License-Identifier: BSD-2-Clause
// How the status flags follow from what translated code still has: nothing is computed until somebody looks.
#pragma once

#include <cstddef>

#include "soft/cpu.h"

namespace tsbhyve::soft {

/// Where an operand of the last flags lies.
struct FlagSource {
  enum class Kind : u8 { Absent, Register, Constant, Saved /* the slot of its role in TranslatedState */ };
  Kind kind = Kind::Absent;
  u8 reg = 0;     // guest register
  i32 value = 0;  // the constant, or what is to be added to the register

  bool operator==(const FlagSource&) const = default;
};

/// Which operation has written all six.
enum class FlagOrigin : u8 {
  Memory,  // they are where tier 1 keeps them
  Add,     // right and result
  Sub,     // two of left, right and result
  Logic,   // result
  Test,    // left AND right
  Shl,     // left by right, a constant that is not zero
  Shr,
  Sar,
  Captured,  // TranslatedState::captured holds the host's flags
};

/// And which has written some of them since.
enum class FlagOverlay : u8 {
  None,
  RotateLeft,  // CF and OF follow from `turned`
  RotateRight,
  Overflow,   // CF and OF: the byte TranslatedState::carry
  Carry,      // CF: the same
  Increment,  // all but CF follow from `turned`, the result
  Decrement,
  Divided,  // DIV and IDIV: AF is set, PF, ZF and SF are clear
  // By CL, which lies in saved_right, of saved_left: all, or none when it is zero. The rest is in memory.
  ShiftLeft,
  ShiftRight,
  ShiftArithmetic,
};

inline bool is_count(FlagOverlay overlay) {
  return overlay == FlagOverlay::Increment || overlay == FlagOverlay::Decrement;
}
inline bool is_shift(FlagOrigin origin) {
  return origin == FlagOrigin::Shl || origin == FlagOrigin::Shr || origin == FlagOrigin::Sar;
}

inline bool is_present(const FlagSource& source) { return source.kind != FlagSource::Kind::Absent; }

/// Low bits of a FlagKind, of a width in bytes.
inline u32 width_of(u32 size) { return size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3; }

/// Where in `Cpu` lies what is saved for each role.
namespace flag_slots {
inline constexpr size_t left_slot = offsetof(Cpu, translated.saved_left),
                        right_slot = offsetof(Cpu, translated.saved_right),
                        result_slot = offsetof(Cpu, translated.saved_result);
inline constexpr size_t captured_image = offsetof(Cpu, translated.captured);
inline constexpr size_t turned_slot = offsetof(Cpu, translated.saved_turned);
}  // namespace flag_slots

struct FlagRecipe {
  FlagOrigin origin = FlagOrigin::Memory;
  FlagOverlay overlay = FlagOverlay::None;
  u8 size = 8;  // bytes of the operands
  u8 overlay_size = 8;
  FlagSource left, right, result, turned;

  bool operator==(const FlagRecipe&) const = default;
};

/// LazyFlags::kind of what Add, Sub, Logic and Test leave in memory, with the part that is missing.
u32 incomplete_kind(const FlagRecipe& recipe);

/// Puts the flags where tier 1 looks for them; null: they are there, but perhaps not in their last form. All guest
/// registers lie in `cpu`. Doing it twice does no harm.
void settle_flags(Cpu* cpu, const FlagRecipe* recipe);

}  // namespace tsbhyve::soft
