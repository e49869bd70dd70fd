// SPDX-License-Identifier: BSD-2-Clause
/** 8254, real-time clock, HPET and PM timer, each with an alarm on its way, and in the middle of being programmed. */
import { GuestCode } from '../guest-code.js';
import { done, type ProofGuest } from './proof-guest.js';

const IOAPIC_INDEX = 0xfec00000;
const IOAPIC_DATA = 0xfec00010;
const LAPIC_EOI = 0xfee000b0;
const HPET = 0xfed00000;
const HPET_ENABLE = HPET + 0x10;
const HPET_STATUS = HPET + 0x20;
const HPET_COUNTER = HPET + 0xf0;
const hpetTimer = (index: number, offset: number): number => HPET + 0x100 + 0x20 * index + offset;
const LEVEL = 0x8000;
const MSI_ADDRESS = 0xfee00000;

const PIT_VECTOR = 0x40;
const RTC_VECTOR = 0x41;
const HPET_VECTOR = 0x42;
const FSB_VECTOR = 0x43;

const CMOS_INDEX = 0x70;
const CMOS_DATA = 0x71;

function route(code: GuestCode, pin: number, low: number): void {
  code.store(IOAPIC_INDEX, 0x10 + 2 * pin).store(IOAPIC_DATA, low);
}

function cmos(code: GuestCode, index: number, value: number): void {
  code.out(CMOS_INDEX, index).out(CMOS_DATA, value);
}

/** Marks that a vector came, and ends the interrupt. */
function handler(code: GuestCode, vector: number, acknowledge: () => void = () => {}): void {
  code.handler(vector).bytes(0x50, 0x53, 0x52, 0xb0, vector, 0xaa); // push rax, rbx, rdx; mov al,vector; stosb
  acknowledge();
  code.store(LAPIC_EOI, 0).bytes(0x5a, 0x5b, 0x58).iret();
}

const pitCode = new GuestCode();
route(pitCode, 2, PIT_VECTOR);
pitCode
  .outAll(0x43, 0x34, 0x71, 0xb6) // counter 0: mode 2; 1: mode 0, BCD, both bytes; 2: mode 3
  .outAll(0x40, 0x40, 0x00) // 64 ticks: 54 us
  .outAll(0x41, 0x99, 0x02)
  .out(0x61, 0x01) // gate 2 up
  .outAll(0x42, 0x32, 0x01)
  .sti()
  .hlt() // tick
  .outAll(0x43, 0x00, 0x40, 0x80) // latch all three
  .in(0x40) // low halves only
  .in(0x41)
  .in(0x42)
  .hlt()
  .out(0x43, 0xce) // read back status and count of all three
  .in(0x40)
  .outAll(0x42, 0x21, 0x01) // a new count for mode 3, which waits for the half period
  .out(0x40, 0x50) // half of a new count
  .hlt()
  .out(0x40, 0x00) // the other half: it waits for the end of the period
  .in(0x61)
  .hlt()
  .out(0x61, 0x00) // gate 2 down: held
  .outAll(0x43, 0x12, 0x62, 0x92) // mode 1 with low bytes for 0 and 2, high bytes for 1
  .out(0x40, 0x22)
  .out(0x41, 0x03)
  .outAll(0x42, 0x44)
  .out(0x61, 0x01) // the gate's rise triggers
  .in(0x42)
  .outAll(0x43, 0x31, 0x58, 0xa1) // BCD mode 0; mode 4; mode 0 BCD high bytes
  .outAll(0x40, 0x10, 0x00)
  .out(0x41, 0x30)
  .out(0x42, 0x20)
  .out(0x61, 0x00) // held in mode 0
  .hlt() // counter 0 ends
  .outAll(0x43, 0x36, 0x76, 0xb6)
  .outAll(0x40, 0x60, 0x00) // mode 3 for all three
  .outAll(0x41, 0xc1, 0x00)
  .outAll(0x42, 0x62, 0x00)
  .hlt()
  .outAll(0x40, 0x70, 0x00) // taken at the next half period
  .outAll(0x41, 0x71, 0x00)
  .out(0x61, 0x01)
  .out(0x42, 0x01) // half a count
  .out(0x41, 0x01)
  .hlt()
  .out(0x43, 0x30)
  .cli();
done(pitCode);
handler(pitCode, PIT_VECTOR);

export const pit: ProofGuest = { name: '8254', code: pitCode, end: 1_000_000n };

const rtcCode = new GuestCode();
route(rtcCode, 8, RTC_VECTOR);
cmos(rtcCode, 0x50, 0xa5);
cmos(rtcCode, 0x0a, 0x2e); // 4 Hz
for (const index of [1, 3, 5]) cmos(rtcCode, index, 0xc0); // alarm: every second
cmos(rtcCode, 0x0b, 0x72); // periodic, alarm and update interrupts
rtcCode
  .sti()
  .hlt()
  .hlt()
  .hlt()
  .hlt()
  .hlt()
  .out(CMOS_INDEX, 0x80 | 0x0c)
  .in(CMOS_DATA)
  .hlt();
cmos(rtcCode, 0x0b, 0x82); // SET: the clock stands
cmos(rtcCode, 0x00, 0x59);
rtcCode.nop(1);
cmos(rtcCode, 0x0b, 0x12); // and runs on
rtcCode.hlt().out(CMOS_INDEX, 0x80).in(CMOS_DATA);
done(rtcCode);
handler(rtcCode, RTC_VECTOR, () => rtcCode.out(CMOS_INDEX, 0x0c).in(CMOS_DATA));

export const rtc: ProofGuest = { name: 'real-time clock', code: rtcCode, end: 4_000_000_000n };

const PERIODIC_LEVEL = 0x0000_304e; // pin 24, periodic, value set, enabled, level

function hpetGuest(): GuestCode {
  const code = new GuestCode();
  route(code, 24, HPET_VECTOR | LEVEL);
  code
    .store(HPET_COUNTER, 0xffff_ffc0) // wraps soon
    .store(hpetTimer(0, 0), PERIODIC_LEVEL)
    .store(hpetTimer(0, 8), 0xffff_fff0)
    .store(hpetTimer(0, 8), 0x40)
    .store(hpetTimer(1, 0), 0x4004) // one shot by message
    .store(hpetTimer(1, 8), 0x90)
    .store(hpetTimer(1, 0x10), FSB_VECTOR)
    .store(hpetTimer(1, 0x14), MSI_ADDRESS)
    .store(hpetTimer(2, 0), 0x0000_364c) // value set: its comparator is still to come
    .store(HPET_ENABLE, 1)
    .in(0x408, 4)
    .sti()
    .hlt()
    .load(HPET_COUNTER)
    .hlt()
    .hlt()
    .hlt()
    .store(HPET_ENABLE, 0)
    .load(HPET_COUNTER)
    .in(0x408, 4)
    .store(hpetTimer(0, 8), 0x123)
    .store(HPET_ENABLE, 1);
  done(code);
  handler(code, HPET_VECTOR, () => code.load(HPET_STATUS).store(HPET_STATUS, 1));
  handler(code, FSB_VECTOR);
  return code;
}

export const hpet: ProofGuest = { name: 'HPET and PM timer', code: hpetGuest(), end: 60_000n };
