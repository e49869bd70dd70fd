// SPDX-License-Identifier: BSD-2-Clause
#include "chips.h"

#include <algorithm>

namespace imitation {

namespace {
constexpr u16 pm_timer_port = 0x408;
constexpr u64 pm_timer_hz = 3'579'545;
constexpr u64 ioapic_base = 0xfec00000, hpet_base = 0xfed00000;
constexpr int timer_irq = 0, timer_pin = 2, rtc_irq = 8;
}  // namespace

Chips::Chips(Cores& cores)
    : ioapic([&cores](u64 address, u32 data) { cores.send_msi(address, data); }),
      hpet(
          [this](unsigned pin) {
            ioapic.change(pin, 1);
            ioapic.change(pin, -1);
          },
          [&cores](u64 address, u32 data) { cores.send_msi(address, data); }),
      cores_(cores) {}

bool Chips::port(bool write, u16 port, unsigned width, u64& value, i64 now) {
  if (port == pm_timer_port && width == 4) {
    if (!write) value = (pm_timer_base + static_cast<u32>(ticks_at(now + pm_timer_ahead, pm_timer_hz))) & 0xffffffff;
    return true;
  }
  const bool ours = pic.owns(port) || pit.owns(port) || rtc.owns(port);
  if (!ours) return false;
  // Each of these is one byte wide.
  if (write && pic.owns(port)) pic.write(port, static_cast<u8>(value));
  if (write && pit.owns(port)) pit.write(port, static_cast<u8>(value), now);
  if (write && rtc.owns(port)) rtc.write(port, static_cast<u8>(value), now);
  if (!write) value = pic.owns(port) ? pic.read(port) : pit.owns(port) ? pit.read(port, now) : rtc.read(port, now);
  cores_.set_external_interrupt(pic.interrupts());
  return true;
}

/// Doublewords, or two of them at once.
bool Chips::memory(bool write, u64 address, unsigned width, u64& value, i64 now) {
  const bool at_ioapic = address - ioapic_base < 0x1000, at_hpet = address - hpet_base < 0x400;
  if (!at_ioapic && !at_hpet) return false;
  if (!write) value = 0;
  for (unsigned done = 0; done < width && address % 4 == 0; done += 4) {
    const u64 offset = (at_ioapic ? address - ioapic_base : address - hpet_base) + done;
    if (write) {
      const auto word = static_cast<u32>(value >> (8 * done));
      if (at_ioapic)
        ioapic.write(offset, word);
      else
        hpet.write(offset, word, now);
    } else {
      value |= u64{at_ioapic ? ioapic.read(offset) : hpet.read(offset, now)} << (8 * done);
    }
  }
  return true;
}

i64 Chips::next_deadline() const { return std::min({pit.next_rise(), hpet.next_match(), rtc.next_update()}); }

void Chips::advance(i64 now) {
  if (pit.next_rise() <= now) {
    while (pit.next_rise() <= now) pit.risen();  // those that were missed are one
    pulse_isa(timer_irq, timer_pin);
  }
  hpet.advance(now);
  if (rtc.advance(now)) pulse_isa(rtc_irq, rtc_irq);
}

void Chips::pulse_isa(int irq, int pin) {
  for (const int by : {1, -1}) {
    change_pic(irq, by);
    change_ioapic(pin, by);
  }
}

void Chips::change_pic(int irq, int by) {
  pic.change(static_cast<unsigned>(irq), by);
  cores_.set_external_interrupt(pic.interrupts());
}

void Chips::change_ioapic(int pin, int by) { ioapic.change(static_cast<unsigned>(pin), by); }

u8 Chips::acknowledge() {
  const u8 vector = pic.acknowledge();
  cores_.set_external_interrupt(pic.interrupts());
  return vector;
}

}  // namespace imitation
