// SPDX-License-Identifier: BSD-2-Clause
/** The local APIC: its timer in three modes, nested and waiting interrupts, errors, then x2APIC mode. */
import { GuestCode, word32 } from '../guest-code.js';
import { COM1, DONE, type ProofGuest } from './proof-guest.js';

const apic = (offset: number): number => 0xfee00000 + offset;
const ID = apic(0x20);
const TPR = apic(0x80);
const EOI = apic(0xb0);
const LDR = apic(0xd0);
const DFR = apic(0xe0);
const SVR = apic(0xf0);
const ESR = apic(0x280);
const ICR = apic(0x300);
const ICR_HIGH = apic(0x310);
const LVT_TIMER = apic(0x320);
const LVT_THERMAL = apic(0x330);
const LVT_PERFORMANCE = apic(0x340);
const LVT_LINT0 = apic(0x350);
const LVT_LINT1 = apic(0x360);
const LVT_ERROR = apic(0x370);
const INITIAL_COUNT = apic(0x380);
const CURRENT_COUNT = apic(0x390);
const DIVIDE = apic(0x3e0);

const SELF = 0x40000;
const PERIODIC = 0x20000;
const TSC_DEADLINE = 0x40000;
const TSC_DEADLINE_MSR = 0x6e0;
const MASKED = 0x10000;

const TIMER = 0x50;
const LOW = 0x30;
const NESTING = 0x60;
const HIGH = 0x80;
const ERROR = 0x53;

const handlers = (code: GuestCode): GuestCode => {
  for (const vector of [LOW, TIMER, ERROR, HIGH]) {
    code.handler(vector).bytes(0xb0, vector, 0xaa).store(EOI, 0).iret(); // mov al,vector; stosb
  }
  return code
    .handler(NESTING)
    .store(ICR, SELF | LOW)
    .sti()
    .store(ICR, SELF | HIGH)
    .bytes(0xb0, NESTING, 0xaa)
    .store(EOI, 0)
    .iret();
};

const code = new GuestCode()
  .store(SVR, 0x3ee) // enabled, focus checking off
  .store(TPR, 0x21)
  .store(LDR, 0x0200_0000)
  .store(DFR, 0x0fff_ffff)
  .store(LVT_THERMAL, 0x1_0031)
  .store(LVT_PERFORMANCE, 0x1_0032)
  .store(LVT_LINT0, MASKED | 0x8033)
  .store(LVT_LINT1, MASKED | 0x34)
  .store(LVT_ERROR, ERROR)
  .store(DIVIDE, 0xb)
  .sti()
  // One shot.
  .store(LVT_TIMER, TIMER)
  .store(INITIAL_COUNT, 40)
  .load(CURRENT_COUNT)
  .nop(4)
  .load(CURRENT_COUNT)
  .hlt()
  // Periodic, divided by two.
  .store(DIVIDE, 0)
  .store(LVT_TIMER, TIMER | PERIODIC)
  .store(INITIAL_COUNT, 30)
  .load(CURRENT_COUNT)
  .hlt()
  .load(CURRENT_COUNT)
  .hlt()
  .store(LVT_TIMER, TIMER | PERIODIC | MASKED)
  // Deadline.
  .store(LVT_TIMER, TIMER | TSC_DEADLINE)
  .bytes(0x0f, 0x31, 0x83, 0xc0, 0x60, 0xb9, ...word32(TSC_DEADLINE_MSR), 0x0f, 0x30) // rdtsc; add eax,96; wrmsr
  .rdmsr(TSC_DEADLINE_MSR)
  .hlt()
  .rdmsr(TSC_DEADLINE_MSR)
  // In service, and waiting below it.
  .store(ICR, SELF | NESTING)
  .nop(2)
  // A vector that cannot be: an error now, another for the next look at the ESR.
  .store(ICR, SELF | 5)
  .store(ESR, 0)
  .load(ESR)
  .store(ICR, SELF | 6)
  .cli()
  .store(ICR_HIGH, 0x0100_0000)
  .store(ICR, 0x0840)
  .store(ID, 0x0500_0000)
  // A request that stays one, the timer at work again, and x2APIC mode.
  .store(ICR, SELF | HIGH)
  .store(LVT_TIMER, TIMER | PERIODIC)
  .store(INITIAL_COUNT, 0x4000)
  .wrmsr(0x1b, 0xfee0_0d00n)
  .rdmsr(0x802)
  .wrmsr(0x83f, BigInt(LOW))
  .rdmsr(0x839);

export const lapic: ProofGuest = { name: 'local APIC', code: withEnd(code), end: 440n };

/** In x2APIC mode the handlers' EOI reaches nothing, so this guest ends with interrupts off. */
function withEnd(start: GuestCode): GuestCode {
  return handlers(start.out(COM1, DONE.charCodeAt(0)).label('end').jump('end'));
}
