// SPDX-License-Identifier: BSD-2-Clause
/** 8259 pair and I/O APIC, with interrupt lines that the guest moves itself through pc-testdev. */
import { GuestCode } from '../guest-code.js';
import { done, type ProofGuest } from './proof-guest.js';

const IOAPIC_INDEX = 0xfec00000;
const IOAPIC_DATA = 0xfec00010;
const LAPIC_EOI = 0xfee000b0;
const LAPIC_LINT0 = 0xfee00350;
const LINE = 0x2000;
const LEVEL_LOGICAL = 0x8800;
const EXTINT = 0x700;
const MASKED = 0x10000;

const MASTER_BASE = 0x20;
const SLAVE_BASE = 0x28;
const MESSAGE_VECTOR = 0x51;

function initialise(code: GuestCode, port: number, base: number, cascade: number, icw4: number): void {
  code.out(port, 0x11).outAll(port + 1, base, cascade, icw4);
}

function pairGuest(): GuestCode {
  const code = new GuestCode();
  initialise(code, 0x20, MASTER_BASE, 4, 0x01);
  initialise(code, 0xa0, SLAVE_BASE, 2, 0x01);
  code
    .outAll(0x21, 0x01)
    .outAll(0xa1, 0x40)
    .out(0x4d0, 0x20) // IRQ 5 and 12 are levels
    .out(0x4d1, 0x10)
    .sti()
    // Edges: the second arrives while the first is in service.
    .out(LINE + 3, 1)
    .out(LINE + 3, 0)
    .out(LINE + 12, 1)
    .nop(1)
    .cli()
    // Status reads, special mask, rotation, poll.
    .outAll(0x20, 0x0b, 0x68, 0xc3)
    .in(0x20)
    .outAll(0xa0, 0x0b, 0x68, 0xc5)
    .in(0xa0)
    .out(LINE + 5, 1)
    .out(LINE + 14, 1)
    .out(0x20, 0x0c)
    .in(0x20)
    .out(0xa0, 0x0c)
    .in(0xa0)
    .outAll(0x20, 0x20, 0x80)
    .outAll(0xa0, 0x20, 0x80);
  // Automatic end of interrupt, special fully nested mode, rotation with it; a word at a time.
  initialise(code, 0x20, MASTER_BASE, 4, 0x13);
  initialise(code, 0xa0, SLAVE_BASE, 2, 0x13);
  code
    .out(0x20, 0x80)
    .out(0xa0, 0x80)
    .out(LINE + 4, 1)
    .out(LINE + 5, 0)
    .sti()
    .nop(2)
    .cli()
    // The pair as a message through the I/O APIC: it waits in the local APIC.
    .store(LAPIC_LINT0, MASKED | EXTINT)
    .store(IOAPIC_INDEX, 0x10)
    .store(IOAPIC_DATA, EXTINT)
    .out(LINE + 6, 1)
    .nop(2)
    .sti()
    .nop(2)
    // Left in the middle of initialisation, alone and without ICW4.
    .out(0x20, 0x12)
    .out(0xa0, 0x12)
    .out(0xa1, 0x70);
  done(code);
  for (let vector = MASTER_BASE; vector < MASTER_BASE + 16; vector += 1) {
    code.handler(vector).bytes(0x50, 0x52, 0xb0, vector, 0xaa); // push rax, rdx; mov al,vector; stosb
    if (vector === MASTER_BASE + 3) code.out(LINE + 3, 1).in(0x20);
    if (vector === SLAVE_BASE + 4) code.out(LINE + 12, 0).out(0xa0, 0x20);
    code.out(0x20, 0x20).bytes(0x5a, 0x58).iret();
  }
  return code;
}

function ioapicGuest(): GuestCode {
  const code = new GuestCode();
  const route = (pin: number, low: number, high = 0): GuestCode =>
    code
      .store(IOAPIC_INDEX, 0x11 + 2 * pin)
      .store(IOAPIC_DATA, high)
      .store(IOAPIC_INDEX, 0x10 + 2 * pin)
      .store(IOAPIC_DATA, low);
  code.store(0xfee000d0, 0x0100_0000).store(0xfee000e0, 0xffff_ffff); // LDR, DFR
  code.store(IOAPIC_INDEX, 0).store(IOAPIC_DATA, 0x0700_0000);
  route(17, LEVEL_LOGICAL | MESSAGE_VECTOR, 0x0100_0000);
  route(18, MASKED | 0x52, 0x0200_0000);
  code
    .out(LINE + 17, 1) // waits for STI, remote IRR set
    .load(IOAPIC_DATA)
    .sti()
    .nop(1)
    .cli()
    .out(LINE + 18, 1)
    .nop(1)
    .out(LINE + 17, 0)
    .store(IOAPIC_INDEX, 0x11);
  done(code);
  code
    .handler(MESSAGE_VECTOR)
    .bytes(0x50, 0x52, 0xb0, MESSAGE_VECTOR, 0xaa) // push rax, rdx; mov al,vector; stosb
    .bytes(0x41, 0xff, 0xc6, 0x41, 0x83, 0xfe, 0x03) // inc r14d; cmp r14d,3
    .jumpIfNotZero('again') // the line stays up twice: EOI brings the interrupt again
    .out(LINE + 17, 0)
    .label('again')
    .store(LAPIC_EOI, 0)
    .bytes(0x5a, 0x58)
    .iret();
  return code;
}

const config = { pcTestdev: true };

export const pair: ProofGuest = { name: '8259 pair', code: pairGuest(), end: 1500n, config };
export const ioapic: ProofGuest = { name: 'I/O APIC', code: ioapicGuest(), end: 500n, config };
