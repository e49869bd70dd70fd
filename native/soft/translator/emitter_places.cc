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

void Emitter::load_operand(u32 size, const Gp* into) {
  const auto near = reach(size, false);
  if (!near) {
    address();
    return load(size, op->segment, into);
  }
  const Label slow = a.newLabel();
  const Site* const site_here = site(size, op->segment);
  const Mem from = go_to(*near, size, false, slow);
  load_from(from, size, slow, site_here, into);
}

void Emitter::store_operand(u32 size, const MakeValue& make) {
  const auto near = reach(size, true);
  if (!near) {
    address();
    return store(size, op->segment, make);
  }
  const Label slow = a.newLabel();
  const Site* const site_here = site(size, op->segment);
  const Mem to = go_to(*near, size, true, slow);
  store_to(to, slow, site_here, make);
}

void Emitter::update_operand(u32 size, const MakeCode& change) {
  const auto near = reach(size, true);
  if (!near) {
    address();
    return update(size, op->segment, change);
  }
  const Label slow = a.newLabel();
  const Site* const site_here = site(size, op->segment);
  const Mem value = go_to(*near, size, true, slow);
  update_at(value, size, slow, site_here, change);
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
