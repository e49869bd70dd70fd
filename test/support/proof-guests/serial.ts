// SPDX-License-Identifier: BSD-2-Clause
/** The four UARTs: bytes in FIFOs, input half typed, interrupts and timeouts on their way, loopback, modem lines. */
import type { Machine } from '../../../src/machine/machine.js';
import { GuestCode } from '../guest-code.js';
import { done, type ProofGuest } from './proof-guest.js';

const PORTS = { com1: 0x3f8, com2: 0x2f8, com3: 0x3e8, com4: 0x2e8 } as const;
const BASES = Object.values(PORTS);

const THR = 0;
const IER = 1;
const FCR = 2;
const LCR = 3;
const MCR = 4;
const LSR = 5;
const MSR = 6;
const SCRATCH = 7;

const IRQ_OF_COM1 = 4;
const IRQ_OF_COM2 = 3;
const FIRST_VECTOR = 0x20;

const code = new GuestCode()
  .out(0x20, 0x11)
  .outAll(0x21, FIRST_VECTOR, 4, 1, 0xff & ~((1 << IRQ_OF_COM1) | (1 << IRQ_OF_COM2)));
for (const [index, base] of BASES.entries()) {
  code
    .outAll(base + LCR, 0x80 | (3 + index))
    .outAll(base, 2 + index, 0) // the divisor
    .out(base + LCR, 0x1f)
    .out(base + SCRATCH, 0x51 + index)
    .out(base + FCR, 0x41) // FIFOs, an interrupt from 4 bytes on
    .out(base + MCR, 0x1b) // loopback
    .outAll(base + THR, 0x61, 0x62);
}
code.sti();
for (const base of BASES) code.out(base + IER, 0x05);
code.hlt(); // a receive timeout
for (const base of BASES)
  code
    .out(base + IER, 0x0f)
    .in(base + LSR)
    .out(base + THR, 0x63);
// FIFOs off: the second byte overruns the first, seen in LSR once.
for (const base of BASES)
  code
    .out(base + IER, 0)
    .out(base + FCR, 0)
    .outAll(base + THR, 0x64, 0x65);
for (const base of BASES) code.in(base + LSR).out(base + MCR, 0x0b);
// Host input again, and the text that a script waits for, half of it first.
for (const base of BASES)
  code
    .out(base + FCR, 0xc1)
    .outAll(base + THR, 0x67, 0x6f)
    .in(base + MSR);
code.nop(2);
for (const base of BASES)
  code
    .outAll(base + THR, 0x3e)
    .in(base + THR)
    .in(base + THR)
    .out(base + IER, 0x03);
done(code);
for (const [irq, bases] of [
  [IRQ_OF_COM1, [PORTS.com1, PORTS.com3]],
  [IRQ_OF_COM2, [PORTS.com2, PORTS.com4]],
] as const) {
  code.handler(FIRST_VECTOR + irq).bytes(0x50, 0x52); // push rax, rdx
  for (const base of bases)
    code
      .in(base + FCR)
      .in(base + LSR)
      .in(base + MSR)
      .in(base + THR);
  code.out(0x20, 0x20).bytes(0x5a, 0x58).iret();
}

const typed = (first: string) => [
  { after: 'go>', send: `${first} typed because of what the guest wrote` },
  { at: 4_000_000n, send: 'typed at a time' },
  { after: 'never written', send: 'never typed' },
];

export const serial: ProofGuest = {
  name: 'serial ports',
  code,
  end: 20_000_000n,
  config: { scripts: { com1: typed('1'), com2: typed('2'), com3: typed('3'), com4: typed('4') } },
  prepare: ({ parts }: Machine) => {
    for (const { uart } of parts.board.consoles.values()) uart.setModemLines(0xe0);
  },
};
