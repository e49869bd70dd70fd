// SPDX-License-Identifier: BSD-2-Clause
#include "pic.h"

namespace imitation {

namespace {
constexpr unsigned cascade = 2;
constexpr u8 spurious = 7;
u8 bit(unsigned input) { return static_cast<u8>(1u << input); }
}  // namespace

bool Pic::owns(u16 port) const {
  return port == 0x20 || port == 0x21 || port == 0xa0 || port == 0xa1 || port == 0x4d0 || port == 0x4d1;
}

int Pic::pending(const Chip& chip) {
  for (unsigned input = 0; input < 8; input++) {
    if (chip.service & bit(input)) return -1;
    if (chip.request & ~chip.mask & bit(input)) return static_cast<int>(input);
  }
  return -1;
}

u8 Pic::read(u16 port) const {
  const Chip& chip = chips[port == 0xa0 || port == 0xa1 || port == 0x4d1];
  if (port >= 0x4d0) return chip.elcr;
  if (port & 1) return chip.mask;
  return chip.reads_service ? chip.service : chip.request;
}

void Pic::write(u16 port, u8 value) {
  Chip& chip = chips[port == 0xa0 || port == 0xa1 || port == 0x4d1];
  if (port >= 0x4d0)
    chip.elcr = value & (port == 0x4d0 ? 0xf8 : 0xde);
  else if (port & 1)
    data(chip, value);
  else
    command(chip, value);
  settle();
}

void Pic::command(Chip& chip, u8 value) {
  if (value & 0x10) {  // ICW1
    chip.request &= chip.elcr;
    chip.service = chip.mask = 0;
    chip.step = 2;
    chip.needs_icw4 = value & 1;
    chip.auto_eoi = chip.reads_service = false;
  } else if (value & 0x08) {  // OCW3
    if (value & 2) chip.reads_service = value & 1;
  } else if (value & 0x20) {  // OCW2, EOI
    if (value & 0x40) {
      chip.service &= static_cast<u8>(~bit(value & 7));
    } else {
      for (unsigned input = 0; input < 8; input++) {
        if (!(chip.service & bit(input))) continue;
        chip.service &= static_cast<u8>(~bit(input));
        break;
      }
    }
  }
}

void Pic::data(Chip& chip, u8 value) {
  switch (chip.step) {
    case 2:
      chip.base = value & 0xf8;
      chip.step = 3;
      break;
    case 3: chip.step = chip.needs_icw4 ? 4 : 0; break;
    case 4:
      chip.auto_eoi = value & 2;
      chip.step = 0;
      break;
    default: chip.mask = value;
  }
}

void Pic::set(unsigned irq, bool level) {
  Chip& chip = chips[irq / 8];
  const u8 input = bit(irq % 8);
  if (level && (!(chip.level & input) || chip.elcr & input)) chip.request |= input;
  if (!level && chip.elcr & input) chip.request &= static_cast<u8>(~input);
  chip.level = static_cast<u8>(level ? chip.level | input : chip.level & ~input);
}

void Pic::change(unsigned irq, int by) {
  int& asserted = chips[irq / 8].asserted[irq % 8];
  const bool before = asserted > 0;
  asserted += by;
  if (before != (asserted > 0)) set(irq, asserted > 0);
  settle();
}

void Pic::settle() {
  const bool slave = pending(chips[1]) >= 0;
  if (slave)
    chips[0].request |= bit(cascade);
  else
    chips[0].request &= static_cast<u8>(~bit(cascade));
}

u8 Pic::acknowledge() {
  const auto take = [](Chip& chip, int input) {
    if (!(chip.elcr & bit(static_cast<unsigned>(input))))
      chip.request &= static_cast<u8>(~bit(static_cast<unsigned>(input)));
    if (!chip.auto_eoi) chip.service |= bit(static_cast<unsigned>(input));
    return static_cast<u8>(chip.base + input);
  };
  const int input = pending(chips[0]);
  if (input < 0) return static_cast<u8>(chips[0].base + spurious);
  u8 vector = take(chips[0], input);
  if (input == static_cast<int>(cascade)) {
    const int of_slave = pending(chips[1]);
    vector = of_slave < 0 ? static_cast<u8>(chips[1].base + spurious) : take(chips[1], of_slave);
  }
  settle();
  return vector;
}

}  // namespace imitation
