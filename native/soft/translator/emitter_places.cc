// SPDX-License-Identifier: BSD-2-Clause
// Memory operands that lie near each other: the fast table is looked at for the place that all of them are in, and its
// host address is kept in memory. Whatever calls C++ takes it away, and so does a place that is not on one page: then
// each operand looks for itself.
#include "soft/translator/emitter.h"

namespace tsbhyve::soft {

using namespace host_code;

std::optional<Emitter::Reach> Emitter::reach(u32 size, bool write) {
  const auto operand = nearby(*planned_, position);
  if (!operand) return std::nullopt;
  const i32 end = operand->at + static_cast<i32>(size);
  for (size_t i = 0; i < place_count; i++) {
    const Place& place = now.places[i];
    const bool holds = place.base == operand->base && place.low <= operand->at && place.high >= end;
    if (holds && (place.writable || !write)) return Reach{i, false, *operand};
  }
  const auto place = place_around(*planned_, position, size, write);
  if (!place) return std::nullopt;
  const size_t index = now.next_place++ % place_count;
  now.places[index] = *place;
  return Reach{index, true, *operand};
}

/// t0 = linear address of what lies `at` bytes from a base.
void Emitter::address_near(u8 base, i32 at) {
  if (base == rip_register) {
    a.mov(t0, CPU_FIELD(translated.code_page));
    a.lea(t0, x86::ptr(t0, at));
    return;
  }
  const Gp value = value_of(base, 8, t0);
  if (at != 0)
    a.lea(t0, x86::ptr(value, at));
  else if (value.id() != t0.id())
    a.mov(t0, value);
}

/// The operand's host address, by t0. To `slow` probe() leads, for the operand alone.
Mem Emitter::go_to(const Reach& reach, u32 size, bool write, const Label& slow) {
  const Place place = now.places[reach.index];
  const Label alone = a.newLabel(), go_on = a.newLabel();
  const Mem slot = place_slot(reach.index);
  const i32 at = reach.operand.at + place.moved;
  clobber();
  if (reach.is_new) {
    address_near(place.base, place.low);
    probe(static_cast<u32>(place.high - place.low), place.writable, false, alone);
    to_host();
    if (place.low != 0) a.lea(t0, x86::ptr(t0, -place.low));
    a.mov(slot, t0);
  } else {
    a.mov(t0, slot);
    a.test(t0, t0);
    a.jz(alone);
  }
  a.bind(go_on);
  cold([=, this, operand = reach.operand, is_new = reach.is_new] {
    a.bind(alone);
    if (is_new) a.mov(slot, 0);
    address_near(operand.base, operand.at);
    probe(size, write, false, slow);
    to_host();
    a.lea(t0, x86::ptr(t0, -at));
    a.jmp(go_on);
  });
  return x86::ptr(t0, at, size);
}

Mem Emitter::find_operand(u32 size, bool write, const Label& slow) {
  if (const auto near = reach(size, write)) return go_to(*near, size, write, slow);
  address();
  return find(size, write, slow);
}

void Emitter::load_operand(u32 size, const Gp* into) {
  const Label slow = a.newLabel();
  const Site* const at = site(size, op->segment);
  load_from(find_operand(size, false, slow), size, slow, at, into);
}

void Emitter::store_operand(u32 size, const MakeValue& make) {
  const Label slow = a.newLabel();
  const Site* const at = site(size, op->segment);
  store_to(find_operand(size, true, slow), slow, at, make);
}

void Emitter::update_operand(u32 size, const MakeCode& change) {
  const Label slow = a.newLabel();
  const Site* const at = site(size, op->segment);
  update_at(find_operand(size, true, slow), size, slow, at, change);
}

Mem Emitter::direct_operand(u32 size, bool write, bool aligned) {
  const auto near = reach(size, write);
  if (!near) {
    address();
    return direct(size, write, aligned);
  }
  const Mem at = go_to(*near, size, write, direct_slow_);
  if (!aligned || size == 1) return at;
  a.lea(t1, at);
  a.test(t1.r32(), static_cast<i32>(size - 1));
  a.jnz(direct_slow_);
  return at;
}

}  // namespace tsbhyve::soft
