// SPDX-License-Identifier: BSD-2-Clause
#include "ioapic.h"

namespace imitation {

namespace {
constexpr u64 mask = 1 << 16, level = 1 << 15, remote_irr = 1 << 14, logical = 1 << 11,
              read_only = remote_irr | 1 << 12;
constexpr u32 version = 0x11 | (IoApic::pins - 1) << 16;
}  // namespace

void IoApic::reset() {
  state = {};
  for (u64& entry : state.entry) entry = mask;
}

u32 IoApic::read(u64 offset) const {
  if (offset == 0) return state.select;
  if (offset != 0x10) return 0;
  if (state.select == 1) return version;
  const u32 index = state.select - 0x10;
  if (index >= 2 * pins) return 0;
  return static_cast<u32>(state.entry[index / 2] >> (index % 2 * 32));
}

void IoApic::write(u64 offset, u32 value) {
  if (offset == 0) state.select = value & 0xff;
  if (offset == 0x40) return end_of_interrupt(static_cast<u8>(value));
  const u32 index = state.select - 0x10;
  if (offset != 0x10 || index >= 2 * pins) return;
  u64& entry = state.entry[index / 2];
  const u64 kept = entry & read_only;
  if (index % 2)
    entry = (entry & 0xffffffff) | u64{value} << 32;
  else
    entry = (entry & ~u64{0xffffffff}) | (value & ~read_only) | kept;
  if (!(entry & level)) entry &= ~remote_irr;
  look(index / 2);
}

void IoApic::change(unsigned pin, int by) {
  const bool before = state.asserted[pin] > 0;
  state.asserted[pin] += by;
  if (before || state.asserted[pin] <= 0) return;
  if (state.entry[pin] & level)
    look(pin);
  else if (!(state.entry[pin] & mask))
    deliver(pin);
}

/// A level that is held and not yet answered for.
void IoApic::look(unsigned pin) {
  const u64 entry = state.entry[pin];
  if (entry & (mask | remote_irr) || !(entry & level) || state.asserted[pin] <= 0) return;
  state.entry[pin] |= remote_irr;
  deliver(pin);
}

void IoApic::deliver(unsigned pin) {
  const u64 entry = state.entry[pin];
  const u64 address = 0xfee00000 | (entry >> 56) << 12 | (entry & logical ? 4 : 0);
  send_(address, static_cast<u32>((entry & 0x7ff) | (entry & level) | 1 << 14));
}

void IoApic::end_of_interrupt(u8 vector) {
  for (unsigned pin = 0; pin < pins; pin++) {
    u64& entry = state.entry[pin];
    if ((entry & 0xff) != vector || !(entry & remote_irr)) continue;
    entry &= ~remote_irr;
    look(pin);
  }
}

}  // namespace imitation
