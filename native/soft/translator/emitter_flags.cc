// SPDX-License-Identifier: BSD-2-Clause
// The guest's status flags in translated code: mostly nobody looks, and then nothing is emitted for them.
#include "soft/translator/emitter.h"

namespace tsbhyve::soft {

using namespace host_code;

namespace {

constexpr size_t left_slot = offsetof(Cpu, translated.saved_left), right_slot = offsetof(Cpu, translated.saved_right),
                 result_slot = offsetof(Cpu, translated.saved_result);
constexpr size_t captured_image = offsetof(Cpu, translated.captured), counted_image = offsetof(Cpu, translated.counted);

/// Flags that each pair of conditions looks at (SDM vol. 2, appendix B.1.4.7).
constexpr u32 condition_flags[8] = {flag_of, flag_cf, flag_zf,           flag_cf | flag_zf,
                                    flag_sf, flag_pf, flag_sf | flag_of, flag_zf | flag_sf | flag_of};

u32 covered(FlagOverlay overlay) {
  switch (overlay) {
    case FlagOverlay::None: return 0;
    case FlagOverlay::Carry: return flag_cf;
    case FlagOverlay::Count: return status_flags & ~flag_cf;
    default: return flag_cf | flag_of;
  }
}

u32 width_of(u32 size) { return size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3; }

bool is_shift(FlagOrigin origin) {
  return origin == FlagOrigin::Shl || origin == FlagOrigin::Shr || origin == FlagOrigin::Sar;
}

}  // namespace

/// The host's flags are those that the recipe wants to have captured.
void Emitter::capture() {
  a.pushfq();
  a.pop(field(now.flags.overlay == FlagOverlay::Count ? counted_image : captured_image));
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
  if (overlay == FlagOverlay::Count) {
    now.host |= status_flags & ~flag_cf;
    now.uncaptured = true;
    return;
  }
  now.host = 0;
  if (overlay != FlagOverlay::Carry && overlay != FlagOverlay::Overflow) return;
  a.setc(field(offsetof(Cpu, translated.carry), 1));
  now.host = flag_cf;
}

void Emitter::fetch(const FlagSource& source, size_t saved_at, const Gp& into) {
  switch (source.kind) {
    case FlagSource::Kind::Constant: a.mov(into, static_cast<i64>(source.value)); return;
    case FlagSource::Kind::Register: {
      const Gp value = value_of(source.reg, 8, into);
      if (source.value != 0)
        a.lea(into, x86::ptr(value, static_cast<i32>(source.value)));
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
  const auto absent = [](const FlagSource& source) { return source.kind == FlagSource::Kind::Absent; };
  switch (recipe.origin) {
    case FlagOrigin::Sub:
      if (absent(recipe.left)) {
        fetch(recipe.result, result_slot, t0);
        a.add(sized(t0, size), fetched(recipe.right, right_slot, t1));
        a.cmp(sized(t0, size), fetched(recipe.right, right_slot, t1));
      } else if (absent(recipe.right)) {
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

std::optional<u8> Emitter::condition(u8 guest_condition) {
  const u32 wanted = condition_flags[guest_condition >> 1];
  if ((wanted & ~now.host) == 0) return guest_condition;
  clobber();
  const FlagRecipe& recipe = now.flags;
  const u32 over = covered(recipe.overlay);
  if (wanted & over) {
    if (wanted & ~over) return std::nullopt;
    if (recipe.overlay == FlagOverlay::Count) return captured_condition(counted_image, guest_condition);
    if (recipe.overlay == FlagOverlay::RotateLeft || recipe.overlay == FlagOverlay::RotateRight) return std::nullopt;
    a.cmp(field(offsetof(Cpu, translated.carry), 1), 0);
    return static_cast<u8>(guest_condition & 1 ? 4 : 5);
  }
  if (recipe.origin == FlagOrigin::Memory) return std::nullopt;
  if (recipe.origin == FlagOrigin::Captured) return captured_condition(captured_image, guest_condition);
  if (is_shift(recipe.origin) && recipe.right.value > 1 && wanted & flag_of) return std::nullopt;
  base_to_host();
  return guest_condition;
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

/// A value of the recipe's width into one of tier 1's lazy fields.
void Emitter::store_lazy(size_t to, const FlagSource& source, size_t saved_at) {
  const u32 size = now.flags.size;
  if (size == 8 && source.kind == FlagSource::Kind::Register && source.value == 0 && has_home(source.reg)) {
    a.mov(field(to), home(source.reg));
    return;
  }
  fetch(source, saved_at, t0);
  if (size < 4)
    a.movzx(t0.r32(), sized(t0, size));
  else if (size == 4)
    a.mov(t0.r32(), t0.r32());
  a.mov(field(to), t0);
}

/// Into RFLAGS itself: what the host has of shifts (AF is set there, OF clear for more than one bit to the right) or
/// what has been captured.
void Emitter::eager_to_memory() {
  const FlagRecipe recipe = now.flags;
  if (recipe.origin == FlagOrigin::Captured && !now.uncaptured) {
    a.mov(t0, field(captured_image));
  } else {
    if (recipe.origin != FlagOrigin::Captured) base_to_host();
    a.pushfq();
    a.pop(t0);
  }
  u32 taken = status_flags;
  if (is_shift(recipe.origin)) taken &= ~flag_af & ~(recipe.right.value > 1 ? flag_of : 0);
  a.and_(t0.r32(), static_cast<i32>(taken));
  if (is_shift(recipe.origin)) a.or_(t0.r32(), static_cast<i32>(flag_af));
  a.mov(t1, CPU_FIELD(rflags));
  a.and_(t1, static_cast<i32>(~status_flags));
  a.or_(t1, t0);
  a.mov(CPU_FIELD(rflags), t1);
  a.mov(CPU_FIELD32(lazy.kind), static_cast<i32>(FlagKind::Eager));
}

void Emitter::flags_to_memory() {
  const FlagRecipe& recipe = now.flags;
  const auto kind = [&](FlagKind of) {
    a.mov(CPU_FIELD32(lazy.kind), static_cast<i32>(static_cast<u32>(of) | width_of(recipe.size)));
  };
  constexpr size_t left = offsetof(Cpu, lazy.left), right = offsetof(Cpu, lazy.right),
                   result = offsetof(Cpu, lazy.result);
  const auto present = [](const FlagSource& source) { return source.kind != FlagSource::Kind::Absent; };
  const bool far_shift = recipe.origin == FlagOrigin::Shl && recipe.right.value > 1;
  if (recipe.overlay != FlagOverlay::None || far_shift) {
    clobber();
    call(thunks_.settle, site(0, 0));
  } else if (recipe.origin == FlagOrigin::Captured || is_shift(recipe.origin)) {
    eager_to_memory();
  } else if (recipe.origin == FlagOrigin::Logic) {
    kind(FlagKind::Logic);
    store_lazy(result, recipe.result, result_slot);
  } else if (recipe.origin == FlagOrigin::Test) {
    kind(FlagKind::Logic);
    fetch(recipe.left, left_slot, t1);
    const bool same = recipe.left.kind == FlagSource::Kind::Register && recipe.right.kind == recipe.left.kind &&
                      recipe.right.reg == recipe.left.reg && recipe.right.value == recipe.left.value;
    if (!same) {
      fetch(recipe.right, right_slot, t0);
      a.and_(t1, t0);
    }
    if (recipe.size < 4) a.movzx(t1.r32(), sized(t1, recipe.size));
    if (recipe.size == 4) a.mov(t1.r32(), t1.r32());
    a.mov(field(result), t1);
  } else if (recipe.origin == FlagOrigin::Add || recipe.origin == FlagOrigin::Sub) {
    const bool add = recipe.origin == FlagOrigin::Add;
    kind(add ? FlagKind::Add : FlagKind::Sub);
    if (present(recipe.left)) store_lazy(left, recipe.left, left_slot);
    if (present(recipe.right)) store_lazy(right, recipe.right, right_slot);
    if (present(recipe.result)) store_lazy(result, recipe.result, result_slot);
    const Gp working = sized(t0, recipe.size == 8 ? 8 : 4);
    const auto derive = [&](size_t to, size_t from, size_t by, bool sum) {
      const Mem operand = field(by, recipe.size == 8 ? 8 : 4);
      a.mov(t0, field(from));
      if (sum)
        a.add(working, operand);
      else
        a.sub(working, operand);
      if (recipe.size < 4) a.movzx(t0.r32(), sized(t0, recipe.size));
      a.mov(field(to), t0);
    };
    if (!present(recipe.left)) derive(left, result, right, !add);
    if (!present(recipe.right)) derive(right, left, result, false);
    if (!present(recipe.result)) derive(result, left, right, add);
  }
  drop_flags();
}

}  // namespace tsbhyve::soft
