// SPDX-License-Identifier: BSD-2-Clause
// The guest's status flags to where tier 1 keeps them, as lazily as tier 1 does.
#include "soft/translator/emitter.h"

namespace tsbhyve::soft {

using namespace host_code;
using namespace flag_slots;

namespace {

u32 width_of(u32 size) { return size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3; }

}  // namespace

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

/// After a count of the same kind CF is where it has to be: a loop that counts down has it so.
void Emitter::count_to_memory() {
  const FlagRecipe& recipe = now.flags;
  const FlagKind of = recipe.overlay == FlagOverlay::Increment ? FlagKind::Inc : FlagKind::Dec;
  const u32 size = recipe.overlay_size;
  const Label other = a.newLabel(), done = a.newLabel();
  clobber();
  const Site* const at = site(0, 0);
  a.cmp(CPU_FIELD32(lazy.kind), static_cast<i32>(static_cast<u32>(of) | width_of(size)));
  a.jne(other);
  fetch(recipe.turned, turned_slot, t0);
  if (size < 4) a.movzx(t0.r32(), sized(t0, size));
  if (size == 4) a.mov(t0.r32(), t0.r32());
  a.mov(CPU_FIELD(lazy.result), t0);
  a.bind(done);
  cold([=, this] {
    a.bind(other);
    call(thunks_.settle, at);
    a.jmp(done);
  });
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
  if (is_count(recipe.overlay) && recipe.origin == FlagOrigin::Memory) {
    count_to_memory();
  } else if (recipe.overlay != FlagOverlay::None || far_shift) {
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
