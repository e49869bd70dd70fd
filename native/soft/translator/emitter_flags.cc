// SPDX-License-Identifier: BSD-2-Clause
// The guest's status flags in translated code: mostly nobody looks, and then nothing is emitted for them.
#include "soft/translator/emitter.h"

namespace tsbhyve::soft {

using namespace host_code;
using namespace flag_slots;

namespace {

/// Flags that each pair of conditions looks at (SDM vol. 2, appendix B.1.4.7).
constexpr u32 condition_flags[8] = {flag_of, flag_cf, flag_zf,           flag_cf | flag_zf,
                                    flag_sf, flag_pf, flag_sf | flag_of, flag_zf | flag_sf | flag_of};

u32 covered(FlagOverlay overlay) {
  switch (overlay) {
    case FlagOverlay::None: return 0;
    case FlagOverlay::Carry: return flag_cf;
    case FlagOverlay::Increment:
    case FlagOverlay::Decrement: return status_flags & ~flag_cf;
    case FlagOverlay::Divided: return flag_pf | flag_af | flag_zf | flag_sf;
    case FlagOverlay::ShiftLeft:
    case FlagOverlay::ShiftRight:
    case FlagOverlay::ShiftArithmetic: return status_flags;
    default: return flag_cf | flag_of;
  }
}

/// Whether what it covers can be had from what has been kept of it.
bool is_captured(FlagOverlay overlay) {
  return overlay == FlagOverlay::Carry || overlay == FlagOverlay::Overflow || is_count(overlay);
}

}  // namespace

/// The host's flags are those that the recipe wants to have captured.
void Emitter::capture() {
  a.pushfq();
  a.pop(field(captured_image));
  now.uncaptured = false;
}

void Emitter::clobber() {
  if (now.uncaptured) capture();
  now.host = 0;
}

void Emitter::set_flags(FlagOrigin origin, u32 size, u32 host) {
  now.flags = {};
  now.flags.origin = origin;
  now.flags.size = static_cast<u8>(size);
  now.host = host;
  now.uncaptured = origin == FlagOrigin::Captured;
}

void Emitter::prepare_overlay(FlagOverlay overlay) {
  if (now.uncaptured) capture();
  if (covered(now.flags.overlay) & ~covered(overlay)) {
    clobber();
    call(thunks_.settle, site(0, 0));
    now.flags = {};
  }
}

void Emitter::set_overlay(FlagOverlay overlay, u32 size) {
  now.flags.overlay = overlay;
  now.flags.overlay_size = static_cast<u8>(size);
  now.host &= ~covered(overlay);
  if (is_count(overlay)) {
    now.host |= status_flags & ~flag_cf;
    return;
  }
  now.host = 0;
  if (overlay != FlagOverlay::Carry && overlay != FlagOverlay::Overflow) return;
  a.setc(field(offsetof(Cpu, translated.carry), 1));
  now.host = flag_cf;
}

void Emitter::fetch(const FlagSource& source, size_t saved_at, const Gp& into) {
  switch (source.kind) {
    case FlagSource::Kind::Constant: a.mov(into, i64{source.value}); return;
    case FlagSource::Kind::Register: {
      const Gp value = value_of(source.reg, 8, into);
      if (source.value != 0)
        a.lea(into, x86::ptr(value, source.value));
      else if (value.id() != into.id())
        a.mov(into, value);
      return;
    }
    default: a.mov(into, field(saved_at)); return;
  }
}

/// A register with the value: its home, where that has it as it is.
Gp Emitter::fetched(const FlagSource& source, size_t saved_at, const Gp& spare) {
  if (source.kind == FlagSource::Kind::Register && source.value == 0 && has_home(source.reg)) {
    return sized(home(source.reg), now.flags.size);
  }
  fetch(source, saved_at, spare);
  return sized(spare, now.flags.size);
}

/// Makes the host's flags what the recipe says, its overlay left aside.
void Emitter::base_to_host() {
  clobber();
  const FlagRecipe& recipe = now.flags;
  const u32 size = recipe.size;
  switch (recipe.origin) {
    case FlagOrigin::Sub:
      if (!is_present(recipe.left)) {
        fetch(recipe.result, result_slot, t0);
        a.add(sized(t0, size), fetched(recipe.right, right_slot, t1));
        a.cmp(sized(t0, size), fetched(recipe.right, right_slot, t1));
      } else if (!is_present(recipe.right)) {
        fetch(recipe.left, left_slot, t1);
        a.sub(sized(t1, size), fetched(recipe.result, result_slot, t0));
        a.cmp(fetched(recipe.left, left_slot, t0), sized(t1, size));
      } else {
        const Gp left = fetched(recipe.left, left_slot, t0);
        a.cmp(left, fetched(recipe.right, right_slot, t1));
      }
      break;
    case FlagOrigin::Add:
      fetch(recipe.result, result_slot, t0);
      a.sub(sized(t0, size), fetched(recipe.right, right_slot, t1));
      a.add(sized(t0, size), fetched(recipe.right, right_slot, t1));
      break;
    case FlagOrigin::Logic: {
      const Gp result = fetched(recipe.result, result_slot, t0);
      a.test(result, result);
      break;
    }
    case FlagOrigin::Test: {
      const Gp left = fetched(recipe.left, left_slot, t0);
      a.test(left, fetched(recipe.right, right_slot, t1));
      break;
    }
    default: {
      fetch(recipe.left, left_slot, t0);
      const u32 count = static_cast<u32>(recipe.right.value);
      if (recipe.origin == FlagOrigin::Shl) a.shl(sized(t0, size), count);
      if (recipe.origin == FlagOrigin::Shr) a.shr(sized(t0, size), count);
      if (recipe.origin == FlagOrigin::Sar) a.sar(sized(t0, size), count);
      break;
    }
  }
  now.host = status_flags & ~flag_af & ~covered(recipe.overlay);
  if (is_shift(recipe.origin) && recipe.right.value > 1) now.host &= ~flag_of;
}

/// All but CF: the operation once more.
void Emitter::count_to_host() {
  const FlagRecipe& recipe = now.flags;
  const bool up = recipe.overlay == FlagOverlay::Increment;
  const Gp value = sized(t0, recipe.overlay_size);
  fetch(recipe.turned, turned_slot, t0);
  a.lea(t0, x86::ptr(t0, up ? -1 : 1));
  if (up)
    a.inc(value);
  else
    a.dec(value);
  now.host = covered(recipe.overlay) & ~flag_af;
}

u8 Emitter::captured_condition(size_t image, u8 guest_condition) {
  clobber();
  const u32 looked_at = condition_flags[guest_condition >> 1];
  if (guest_condition >> 1 < 6) {
    a.test(field(image, 4), static_cast<i32>(looked_at));
  } else {  // SF unlike OF, or ZF
    a.mov(t0.r32(), field(image, 4));
    a.mov(t1.r32(), t0.r32());
    a.shr(t1.r32(), 4);
    a.xor_(t1.r32(), t0.r32());
    a.and_(t1.r32(), flag_sf);
    a.and_(t0.r32(), looked_at & flag_zf);
    a.or_(t0.r32(), t1.r32());
  }
  constexpr u8 equal = 4, not_equal = 5;
  return guest_condition & 1 ? equal : not_equal;
}

bool Emitter::has_condition(u8 guest_condition) const {
  const u32 wanted = condition_flags[guest_condition >> 1];
  if ((wanted & ~now.host) == 0) return true;
  const FlagRecipe& recipe = now.flags;
  const u32 over = covered(recipe.overlay);
  if (wanted & over) return (wanted & ~over) == 0 && is_captured(recipe.overlay);
  if (recipe.origin == FlagOrigin::Memory) return false;
  return !(is_shift(recipe.origin) && recipe.right.value > 1 && wanted & flag_of);
}

std::optional<u8> Emitter::condition(u8 guest_condition) {
  if (!has_condition(guest_condition)) return std::nullopt;
  const u32 wanted = condition_flags[guest_condition >> 1];
  if ((wanted & ~now.host) == 0) return guest_condition;
  clobber();
  const FlagRecipe& recipe = now.flags;
  if (wanted & covered(recipe.overlay)) {
    if (is_count(recipe.overlay)) {
      count_to_host();
      return guest_condition;
    }
    a.cmp(field(offsetof(Cpu, translated.carry), 1), 0);
    return static_cast<u8>(guest_condition & 1 ? 4 : 5);
  }
  if (recipe.origin == FlagOrigin::Captured) return captured_condition(captured_image, guest_condition);
  base_to_host();
  return guest_condition;
}

u8 Emitter::certain_condition(u8 guest_condition) {
  if (const auto holds = condition(guest_condition)) return *holds;
  clobber();
  call(thunks_.flags, site(0, 0));
  a.mov(field(captured_image), t0);
  drop_flags();
  return captured_condition(captured_image, guest_condition);
}

bool Emitter::has_carry() const {
  if (now.host & flag_cf) return true;
  if (covered(now.flags.overlay) & flag_cf) {
    return now.flags.overlay == FlagOverlay::Carry || now.flags.overlay == FlagOverlay::Overflow;
  }
  return now.flags.origin != FlagOrigin::Memory;
}

void Emitter::carry_to_host() {
  if (now.host & flag_cf) return;
  clobber();
  if (covered(now.flags.overlay) & flag_cf)
    a.bt(field(offsetof(Cpu, translated.carry), 4), 0);
  else if (now.flags.origin == FlagOrigin::Captured)
    a.bt(field(captured_image, 4), 0);
  else
    base_to_host();
  now.host = flag_cf;
}

}  // namespace tsbhyve::soft
