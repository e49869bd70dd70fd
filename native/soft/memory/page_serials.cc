// SPDX-License-Identifier: BSD-2-Clause
#include "soft/memory/page_serials.h"

namespace tsbhyve::soft {

namespace {

/// The golden ratio spreads what is alike over the upper bits.
u64 spread(u64 value) { return value * 0x9e3779b97f4a7c15; }

}  // namespace

u32 PageSerials::of(const Mapping& mapping) {
  Known& known = known_[spread((mapping.linear >> 12) ^ spread(mapping.physical >> 12)) >> (64 - slot_bits)];
  if (known.serial != none && known.mapping == mapping) return known.serial;
  if (last_ == end_) return none;
  known = {mapping, ++last_};
  return known.serial;
}

void PageSerials::start_again() {
  known_.assign(known_.size(), {});
  last_ = none;
}

}  // namespace tsbhyve::soft
