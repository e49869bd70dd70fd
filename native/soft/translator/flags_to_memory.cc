// SPDX-License-Identifier: BSD-2-Clause
// The guest's status flags to where tier 1 keeps them, as lazily as tier 1 does.
#include "soft/translator/emitter.h"

namespace tsbhyve::soft {

using namespace host_code;
using namespace flag_slots;

/// An operand into one of tier 1's lazy fields, as wide as it is.
void Emitter::store_lazy(size_t to, const FlagSource& source, size_t saved_at) {
  if (source.kind == FlagSource::Kind::Register && source.value == 0 && has_home(source.reg)) {
    a.mov(field(to), home(source.reg));
  } else if (source.kind == FlagSource::Kind::Constant) {
    a.mov(field(to), source.value);
  } else {
    fetch(source, saved_at, t0);
    a.mov(field(to), t0);
  }
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
  cold([=, this, vectors = now.vectors] {
    a.bind(other);
    call(thunks_.settle, at);
    return_to(done, vectors);
  });
}

/// Leaves what is missing to whoever looks (MissingPart).
void Emitter::lazy_to_memory() {
  const FlagRecipe& recipe = now.flags;
  a.mov(CPU_FIELD32(lazy.kind), static_cast<i32>(incomplete_kind(recipe)));
  if (is_present(recipe.left)) store_lazy(offsetof(Cpu, lazy.left), recipe.left, left_slot);
  if (is_present(recipe.right)) store_lazy(offsetof(Cpu, lazy.right), recipe.right, right_slot);
  if (is_present(recipe.result)) store_lazy(offsetof(Cpu, lazy.result), recipe.result, result_slot);
}

void Emitter::flags_to_memory() {
  const FlagRecipe& recipe = now.flags;
  const bool far_shift = recipe.origin == FlagOrigin::Shl && recipe.right.value > 1;
  if (is_count(recipe.overlay) && recipe.origin == FlagOrigin::Memory) {
    count_to_memory();
  } else if (recipe.overlay != FlagOverlay::None || far_shift) {
    clobber();
    call(thunks_.settle, site(0, 0));
  } else if (recipe.origin == FlagOrigin::Captured || is_shift(recipe.origin)) {
    eager_to_memory();
  } else if (recipe.origin != FlagOrigin::Memory) {
    lazy_to_memory();
  }
  drop_flags();
}

}  // namespace tsbhyve::soft
