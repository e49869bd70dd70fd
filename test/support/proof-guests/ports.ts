// SPDX-License-Identifier: BSD-2-Clause
/** Latches and half-finished conversations behind ports: keyboard controller, PCI, firmware configuration, ACPI, resets. */
import { Gpe } from '../../../devices/acpi/gpe.js';
import { GuestCode } from '../guest-code.js';
import { COM1, DONE, done, type ProofGuest } from './proof-guest.js';

const SPACE_PRESS = 0x29;
const BREAK = 0xf0;

const configurationAddress = (slot: number, register: number): number => (0x8000_0000 | (slot << 11) | register) >>> 0;
const ECAM = 0xe000_0000;

function keyboardGuest(): GuestCode {
  const code = new GuestCode()
    .in(0x64)
    .in(0x60) // a key that was pressed before the start
    .outAll(0x60, 0xed) // LEDs: the parameter is still to come
    .in(0x60)
    .outAll(0x60, 0x05)
    .in(0x60)
    .outAll(0x60, 0xf3) // typematic rate
    .in(0x60)
    .outAll(0x60, 0x55)
    .in(0x60)
    .outAll(0x60, 0xf0) // scan code set 1
    .in(0x60)
    .outAll(0x60, 0x01)
    .in(0x60)
    .outAll(0x60, 0xf2) // identify: three bytes wait
    .in(0x60)
    .outAll(0x64, 0xad) // interface off: the rest stays in the keyboard
    .in(0x60)
    .outAll(0x64, 0x20, 0xc0, 0xaa) // replies pile up
    .in(0x60)
    .outAll(0x64, 0x60) // command byte: the parameter is still to come
    .nop(1)
    .out(0x60, 0x47)
    .in(0x64)
    .outAll(0x64, 0xd1)
    .out(0x60, 0xdd) // A20 off
    .outAll(0x64, 0xd0)
    .in(0x60)
    .in(0x60)
    .outAll(0x60, 0xf5) // scanning off
    .in(0x60);
  return done(code);
}

function breakGuest(): GuestCode {
  const code = new GuestCode()
    .in(0x60) // the break prefix is swallowed, its code is still to come
    .nop(2);
  return done(code);
}

function latchGuest(): GuestCode {
  const code = new GuestCode()
    // PCI: an address, then its data; sizing a register; routing; the same through memory.
    .out(0xcf8, configurationAddress(31, 0x60), 4)
    .out(0xcfc, 0x0b0a_0503, 4)
    .in(0xcfc, 4)
    .out(0xcf8, configurationAddress(0, 0x10), 4)
    .out(0xcfc, 0xffff_ffff, 4)
    .in(0xcfc, 4)
    .out(0xcf8, configurationAddress(0, 0x04), 4)
    .out(0xcfc, 0x0147, 2)
    .in(0xcfe, 2)
    .store(ECAM + (31 << 15) + 0x3c, 0x0b)
    .load(ECAM + 0x0c)
    .store(ECAM + 0x0c, 0x2010)
    // Firmware configuration: the signature, half of it.
    .out(0x510, 0, 2)
    .in(0x511)
    .in(0x511)
    .out(0x510, 0x0005, 2)
    .in(0x511)
    // ACPI events: the power button was pressed before the start.
    .out(0xb2, 0xa0)
    .in(0x400, 2)
    .out(0x402, 0x0121, 2)
    .out(0x404, 0x1402, 2)
    .out(0x40d, 0x05)
    .in(0x40c)
    .out(0x400, 0x0100, 2)
    .out(0x40c, 0x01)
    .in(0x400, 2)
    // Reset and A20 latches, short of a reset.
    .out(0xcf9, 0x02)
    .in(0xcf9)
    .out(0x92, 0x00)
    .in(0x92)
    .out(0x80, 0x3c)
    .out(0x84, 0x3d)
    .in(0x80)
    .out(0x61, 0x0c)
    .in(0x61)
    // pc-testdev.
    .out(0xe0, 0x1234_5678, 4)
    .in(0xe9)
    .out(0x2015, 1)
    .store(0xff00_0100, 0x0102_0304)
    .load(0xff00_00fe);
  return done(code);
}

export const keyboard: ProofGuest = {
  name: 'keyboard',
  code: keyboardGuest(),
  end: 400n,
  prepare: ({ parts }) => {
    parts.board.keyboard.press([SPACE_PRESS]);
  },
};

export const keyRelease: ProofGuest = {
  name: 'key release',
  code: breakGuest(),
  end: 100n,
  prepare: ({ parts }) => {
    for (const code of [SPACE_PRESS, BREAK]) parts.board.keyboard.press([code]);
  },
};

export const latches: ProofGuest = {
  name: 'PCI, ACPI and other latches',
  code: latchGuest(),
  end: 400n,
  config: { pcTestdev: true },
  prepare: (machine) => {
    machine.resume();
    machine.pressPowerButton();
    for (const device of machine.parts.board.devices) if (device instanceof Gpe) device.raise(0);
    machine.pause();
  },
};

/** The write to port 0xF4 ends the machine. */
export const debugExit: ProofGuest = {
  name: 'debug exit',
  code: new GuestCode().nop(2).out(COM1, DONE.charCodeAt(0)).nop(2).out(0xf4, 0x15),
  end: 100n,
  config: { pcTestdev: true },
};
