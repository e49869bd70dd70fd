// SPDX-License-Identifier: BSD-2-Clause
import { Uart16550 } from '../../../devices/isa/uart16550.js';
import type { SavedState } from '../../../src/core/state-shape.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';
import { RecordingIrq } from '../../support/recording-irq.js';
import { Rig } from '../../support/rig.js';

const BASE = 0x3f8;
const DATA = BASE;
const IER = BASE + 1;
const IIR = BASE + 2;
const FCR = BASE + 2;
const LCR = BASE + 3;
const MCR = BASE + 4;
const LSR = BASE + 5;
const MSR = BASE + 6;
const SCR = BASE + 7;

/** 8N1 at 115200 baud: ten bits of 16 clock cycles at 1.8432 MHz, four characters. */
const FOUR_CHARACTERS = 347_222n;

function make(onSpace: (uart: Uart16550) => void = () => {}) {
  const rig = new Rig();
  const irq = new RecordingIrq();
  const sent: number[] = [];
  const uart: Uart16550 = new Uart16550('com1', {
    irq,
    output: { write: (byte) => void sent.push(byte) },
    clock: rig.clock,
    onSpace: () => onSpace(uart),
  });
  const guest = new GuestDriver().attach('com1', BASE, 8, uart);
  return { uart, guest, irq, sent, clock: rig.clock };
}

type Made = ReturnType<typeof make>;

function enableFifos({ guest }: Made, trigger = 0x00): void {
  guest.out(LCR, 0x03);
  guest.out(FCR, 0x01 | trigger);
}

function receive(uart: Uart16550, ...bytes: number[]): void {
  for (const byte of bytes) expect(uart.receive(byte)).toBe(true);
}

describe('registers', () => {
  test('only the defined bits of IER and MCR are kept; LCR and SCR keep all', () => {
    const { guest } = make();
    for (const port of [IER, LCR, MCR, SCR]) guest.out(port, 0x7f);
    expect([IER, LCR, MCR, SCR].map((port) => guest.in(port))).toEqual([0x0f, 0x7f, 0x1f, 0x7f]);
  });

  test('DLAB shows the divisor latch in place of RBR, THR and IER', () => {
    const { guest, sent } = make();
    guest.out(IER, 0x05);
    guest.out(LCR, 0x83);
    expect([guest.in(DATA), guest.in(IER)]).toEqual([0x01, 0x00]);
    guest.out(DATA, 0x0c);
    guest.out(IER, 0x01);
    expect([guest.in(DATA), guest.in(IER)]).toEqual([0x0c, 0x01]);
    guest.out(LCR, 0x03);
    expect(guest.in(IER)).toBe(0x05);
    expect(sent).toEqual([]);
  });

  test('writes to LSR and MSR change nothing', () => {
    const { guest } = make();
    guest.out(LSR, 0xff);
    guest.out(MSR, 0xff);
    expect([guest.in(LSR), guest.in(MSR)]).toEqual([0x60, 0xb0]);
  });

  test('a word access reaches two registers', () => {
    const { guest } = make();
    guest.out(LCR, 0x0b03, 2);
    expect([guest.in(LCR), guest.in(MCR)]).toEqual([0x03, 0x0b]);
  });
});

describe('probing as Linux does', () => {
  test('IER remembers four bits, and loopback shows RTS and OUT2 as CTS and DCD', () => {
    const { guest } = make();
    guest.out(IER, 0x00);
    expect(guest.in(IER) & 0x0f).toBe(0x00);
    guest.out(IER, 0x0f);
    expect(guest.in(IER) & 0x0f).toBe(0x0f);
    guest.out(MCR, 0x1a);
    expect(guest.in(MSR) & 0xf0).toBe(0x90);
  });

  test('IIR bits 6 and 7 tell a 16550A, and bit 5 does not follow FCR bit 5', () => {
    const { guest } = make();
    guest.out(LCR, 0xbf);
    guest.out(FCR, 0x00);
    guest.out(LCR, 0x00);
    guest.out(FCR, 0x01);
    expect(guest.in(IIR) >> 6).toBe(3);
    guest.out(LCR, 0x80);
    guest.out(FCR, 0x21);
    expect(guest.in(IIR) >> 5).toBe(6);
    guest.out(FCR, 0x00);
    expect(guest.in(IIR) >> 6).toBe(0);
  });

  test('the FIFO size found in loopback is 16', () => {
    const { guest, sent } = make();
    guest.out(LCR, 0x00);
    guest.out(FCR, 0x07);
    guest.out(MCR, 0x10);
    for (let i = 0; i < 256; i++) guest.out(DATA, i);
    let count = 0;
    while (guest.in(LSR) & 0x01) expect(guest.in(DATA)).toBe(count++);
    expect(count).toBe(16);
    expect(sent).toEqual([]);
  });

  test('enabling THRE on an idle transmitter interrupts, again after IIR was read and IER cleared', () => {
    const { guest } = make();
    for (let round = 0; round < 2; round++) {
      guest.out(IER, 0x02);
      expect(guest.in(IIR)).toBe(0x02);
      expect(guest.in(IIR)).toBe(0x01);
      guest.out(IER, 0x00);
    }
  });
});

describe('transmitter', () => {
  test('bytes leave at once and LSR always says empty', () => {
    const { guest, sent } = make();
    for (const byte of [0x68, 0x69]) guest.out(DATA, byte);
    expect(sent).toEqual([0x68, 0x69]);
    expect(guest.in(LSR)).toBe(0x60);
  });

  test('every byte written with THRE enabled gives a new edge, even if IIR was not read', () => {
    const { guest, irq } = make();
    guest.out(IER, 0x02);
    expect(irq.risingEdges).toBe(1);
    guest.out(DATA, 1);
    guest.out(DATA, 2);
    expect(irq.risingEdges).toBe(3);
    expect(irq.level).toBe(true);
  });

  test('writing IER again without a change does not bring an acknowledged interrupt back', () => {
    const { guest, irq } = make();
    guest.out(IER, 0x02);
    guest.in(IIR);
    guest.out(IER, 0x03);
    expect(irq.level).toBe(false);
  });
});

describe('receiver', () => {
  test('without FIFOs there is room for one byte, and it interrupts at once', () => {
    const made = make();
    made.guest.out(IER, 0x01);
    receive(made.uart, 0x41);
    expect(made.uart.receive(0x42)).toBe(false);
    expect(made.irq.level).toBe(true);
    expect(made.guest.in(IIR)).toBe(0x04);
    expect(made.guest.in(LSR)).toBe(0x61);
    expect(made.guest.in(DATA)).toBe(0x41);
    expect(made.irq.level).toBe(false);
    expect(made.guest.in(LSR)).toBe(0x60);
  });

  test.each([
    [0x00, 1],
    [0x40, 4],
    [0x80, 8],
    [0xc0, 14],
  ])('FCR trigger bits %p interrupt at %p bytes and not below', (trigger, level) => {
    const made = make();
    enableFifos(made, trigger);
    made.guest.out(IER, 0x01);
    for (let i = 1; i <= level; i++) {
      expect(made.irq.level).toBe(false);
      receive(made.uart, i);
    }
    expect(made.guest.in(IIR)).toBe(0xc4);
    made.guest.in(DATA);
    expect(made.irq.level).toBe(false);
  });

  test('bytes below the trigger level interrupt after four character times', () => {
    const made = make();
    enableFifos(made, 0xc0);
    made.guest.out(IER, 0x01);
    receive(made.uart, 1, 2);
    made.clock.advance(FOUR_CHARACTERS - 1n);
    expect(made.irq.level).toBe(false);
    made.clock.advance(1n);
    expect(made.irq.level).toBe(true);
    expect(made.guest.in(IIR)).toBe(0xcc);
    expect(made.guest.in(DATA)).toBe(1);
    expect(made.irq.level).toBe(false);
    made.clock.advance(FOUR_CHARACTERS);
    expect(made.guest.in(IIR)).toBe(0xcc);
  });

  test('each byte that arrives starts the timeout again', () => {
    const made = make();
    enableFifos(made, 0xc0);
    made.guest.out(IER, 0x01);
    receive(made.uart, 1);
    made.clock.advance(FOUR_CHARACTERS - 1n);
    receive(made.uart, 2);
    made.clock.advance(FOUR_CHARACTERS - 1n);
    expect(made.irq.level).toBe(false);
  });

  test('the timeout follows divisor and word length: 300 baud, 7 data bits, parity, two stop bits', () => {
    const made = make();
    made.guest.out(LCR, 0x80);
    made.guest.out(DATA, 0x80);
    made.guest.out(IER, 0x01);
    made.guest.out(LCR, 0x0e);
    made.guest.out(FCR, 0xc1);
    receive(made.uart, 1);
    expect(made.clock.nextDeadline()).toBe((4n * 11n * 1_000_000_000n) / 300n);
  });

  test('FCR bit 1 empties the FIFO; so does switching FIFOs on or off', () => {
    const made = make();
    enableFifos(made);
    for (const fcr of [0x03, 0x00, 0x01]) {
      receive(made.uart, 0x55);
      made.guest.out(FCR, fcr);
      expect(made.guest.in(LSR) & 0x01).toBe(0);
    }
    expect(made.clock.nextDeadline()).toBeNull();
  });

  test('a 4 KiB paste arrives whole and in order through an interrupt-driven guest', () => {
    const paste = Array.from({ length: 4096 }, (_, i) => (i * 7) & 0xff);
    const waiting = [...paste];
    const offer = (uart: Uart16550): void => {
      while (waiting[0] !== undefined && uart.receive(waiting[0])) waiting.shift();
    };
    const made = make(offer);
    enableFifos(made, 0x80);
    made.guest.out(IER, 0x01);
    offer(made.uart);
    const got: number[] = [];
    for (let interrupts = 0; got.length < paste.length && interrupts < 10_000; interrupts++) {
      if (!made.irq.level) made.clock.advance(FOUR_CHARACTERS);
      expect(made.irq.level).toBe(true);
      for (let i = 0; i < 8 && made.guest.in(LSR) & 0x01; i++) got.push(made.guest.in(DATA));
    }
    expect(got).toEqual(paste);
    expect(made.guest.in(LSR)).toBe(0x60);
  });

  test('a driver that takes one byte an interrupt sees an edge for every byte', () => {
    const waiting = [1, 2, 3];
    const made = make((uart) => {
      const [next] = waiting;
      if (next !== undefined && uart.receive(next)) waiting.shift();
    });
    made.guest.out(IER, 0x01);
    receive(made.uart, 0);
    expect([0, 1, 2, 3].map(() => made.guest.in(DATA))).toEqual([0, 1, 2, 3]);
    expect(made.irq.risingEdges).toBe(4);
  });

  test('an overrun in loopback keeps the FIFO, raises the line status interrupt first, and LSR clears it', () => {
    const made = make();
    enableFifos(made);
    made.guest.out(IER, 0x05);
    made.guest.out(MCR, 0x10);
    for (let i = 0; i < 17; i++) made.guest.out(DATA, i);
    expect(made.guest.in(IIR)).toBe(0xc6);
    expect(made.guest.in(LSR)).toBe(0x63);
    expect(made.guest.in(LSR)).toBe(0x61);
    expect(made.guest.in(IIR)).toBe(0xc4);
    expect(made.guest.in(DATA)).toBe(0);
  });

  test('without FIFOs an overrun replaces the byte', () => {
    const made = make();
    made.guest.out(MCR, 0x10);
    made.guest.out(DATA, 1);
    made.guest.out(DATA, 2);
    expect(made.guest.in(LSR)).toBe(0x63);
    expect(made.guest.in(DATA)).toBe(2);
  });

  test('loopback holds the host off and asks it again afterwards', () => {
    let asked = 0;
    const made = make(() => asked++);
    made.guest.out(MCR, 0x10);
    expect(made.uart.receive(1)).toBe(false);
    expect(made.uart.space()).toBe(0);
    asked = 0;
    made.guest.out(MCR, 0x00);
    expect(asked).toBe(1);
    expect(made.uart.receive(1)).toBe(true);
  });
});

describe('modem status', () => {
  test('changes are reported once; the ring indicator only at its end', () => {
    const made = make();
    made.guest.out(IER, 0x08);
    made.uart.setModemLines(0x70);
    expect(made.irq.level).toBe(true);
    expect(made.guest.in(IIR)).toBe(0x00);
    expect(made.guest.in(MSR)).toBe(0x78);
    expect(made.irq.level).toBe(false);
    expect(made.guest.in(MSR)).toBe(0x70);
    made.uart.setModemLines(0x30);
    expect(made.guest.in(MSR)).toBe(0x34);
  });

  test.each([
    [0x01, 0x20],
    [0x02, 0x10],
    [0x04, 0x40],
    [0x08, 0x80],
  ])('in loopback MCR output %p reads as MSR input %p', (output, input) => {
    const { guest } = make();
    guest.out(MCR, 0x10 | output);
    expect(guest.in(MSR) & 0xf0).toBe(input);
  });
});

describe('restore', () => {
  function drivenAndRestored(drive: (made: Made) => void) {
    const before = make();
    drive(before);
    const after = make();
    after.clock.set(before.clock.now());
    after.uart.deserialize(before.uart.serialize());
    return { before, after };
  }

  test('a pending THRE interrupt is still there', () => {
    const { after } = drivenAndRestored(({ guest }) => guest.out(IER, 0x02));
    expect(after.irq.adopted).toEqual([true]);
    expect(after.guest.in(IIR)).toBe(0x02);
  });

  test('a running receive timeout fires at the same VM time', () => {
    const { after } = drivenAndRestored((made) => {
      enableFifos(made, 0xc0);
      made.guest.out(IER, 0x01);
      receive(made.uart, 0x31);
      made.clock.advance(1000n);
    });
    after.clock.advanceTo(FOUR_CHARACTERS - 1n);
    expect(after.irq.level).toBe(false);
    after.clock.advance(1n);
    expect(after.irq.level).toBe(true);
  });

  test('more bytes than the FIFO mode allows are refused', () => {
    const { before } = drivenAndRestored((made) => {
      enableFifos(made);
      receive(made.uart, 1, 2);
    });
    const saved: SavedState = before.uart.serialize();
    expect(() => before.uart.deserialize({ ...saved, fields: { ...saved.fields, fcr: 0 } })).toThrow(
      'com1.rx: expected at most 1 bytes with FCR 0x0, got 2',
    );
  });
});

deviceContract(
  'uart16550',
  (rig) =>
    new Uart16550('com1', {
      irq: rig.line(),
      output: rig.sink,
      clock: rig.clock,
      onSpace: () => rig.effects.push('space'),
    }),
  {
    operate: (uart) => {
      const guest = new GuestDriver().attach('com1', BASE, 8, uart);
      guest.out(LCR, 0x83);
      guest.out(DATA, 0x0c);
      guest.out(LCR, 0x03);
      guest.out(FCR, 0xc1);
      guest.out(IER, 0x0f);
      guest.out(MCR, 0x0b);
      guest.out(SCR, 0x5a);
      guest.out(DATA, 0x21);
      uart.setModemLines(0x30);
      receive(uart, 0x41, 0x42);
    },
  },
);
