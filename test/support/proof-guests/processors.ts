// SPDX-License-Identifier: BSD-2-Clause
/**
 * Two processors: one starts the other, they wait for each other with PAUSE and HLT, interrupt each other, count together,
 * and one writes code that the other runs.
 */
import type { Machine } from '../../../src/machine/machine.js';
import { GuestCode, word32, word64 } from '../guest-code.js';
import { PLACES, SELECTORS } from '../proof-guest-loader.js';
import { done, type ProofGuest } from './proof-guest.js';

const apic = (offset: number): number => 0xfee00000 + offset;
const EOI = apic(0xb0);
const SVR = apic(0xf0);
const ICR = apic(0x300);
const ICR_HIGH = apic(0x310);
const LVT_TIMER = apic(0x320);
const INITIAL_COUNT = apic(0x380);
const DIVIDE = apic(0x3e0);

const OTHERS = 0xc0000;
const INIT = 0x4500;
const START_UP = 0x4600;
const NMI = 0x400;
const SECOND = 0x0100_0000;
const PERIODIC = 0x20000;

const MESSAGE = 0x40;
const TIMER = 0x50;

/** What both look at. */
const STEP = PLACES.data + 0x100;
const COUNTER = PLACES.data + 0x108;
const RUNNING = 1;
const PATCHED = 2;
const RESTING = 3;
const WOKEN = 4;

/** Below 1 MiB and on a page of its own, for the start-up vector. */
const TRAMPOLINE = 0xb000;
const GDT_POINTER = TRAMPOLINE + 0x80;
const IDT_POINTER = TRAMPOLINE + 0x90;
const SECOND_RESULTS = PLACES.results + 0x4000;
const SECOND_STACK = PLACES.userStack;

/** From real mode at its first byte to 64-bit mode. */
const trampoline = (target: number): number[] => [
  ...[0xfa, 0x31, 0xc0, 0x8e, 0xd8], // cli; xor ax,ax; mov ds,ax
  ...[0x66, 0x0f, 0x01, 0x16, GDT_POINTER & 0xff, GDT_POINTER >> 8], // lgdt
  ...[0x66, 0xb8, ...word32(0x6b0), 0x0f, 0x22, 0xe0], // CR4
  ...[0x66, 0xb8, ...word32(PLACES.pml4), 0x0f, 0x22, 0xd8], // CR3
  ...[0x66, 0xb9, ...word32(0xc000_0080), 0x66, 0xb8, ...word32(0x901), 0x66, 0x31, 0xd2, 0x0f, 0x30], // EFER
  ...[0x66, 0xb8, ...word32(0x8001_0011), 0x0f, 0x22, 0xc0], // CR0: PG, WP, ET, PE
  ...[0x66, 0xea, ...word32(target), SELECTORS.code, 0], // jmp far
];

const increment = (address: number): number[] => [0xf0, 0xff, 0x04, 0x25, ...word32(address)]; // lock inc dword [address]

/** Spins until the step has come. */
function waitFor(code: GuestCode, step: number): GuestCode {
  const name = `wait for ${step}`;
  return code
    .label(name)
    .bytes(0xf3, 0x90, 0x83, 0x3c, 0x25, ...word32(STEP), step) // pause; cmp dword [STEP],step
    .jumpIfNotZero(name);
}

const code = new GuestCode();
code
  .store(SVR, 0x1ff)
  .store(ICR, OTHERS | INIT)
  .nop(2)
  .store(ICR, OTHERS | START_UP | (TRAMPOLINE >> 12));
waitFor(code, RUNNING)
  .bytes(...increment(COUNTER))
  .sti()
  .store(ICR_HIGH, SECOND)
  .store(ICR, MESSAGE)
  .bytes(...increment(COUNTER))
  // New code for the second, which has run the old one.
  .addressOf('changing')
  .bytes(0xc6, 0x40, 0x01, 0x77) // mov byte [rax+1],77h
  .store(STEP, PATCHED);
waitFor(code, RESTING)
  .store(ICR_HIGH, SECOND)
  .store(ICR, MESSAGE)
  .nop(3)
  .store(ICR, NMI);
waitFor(code, WOKEN).load(COUNTER);
done(code)
  .label('second')
  .bytes(0xb8, ...word32(SELECTORS.data), 0x8e, 0xd0, 0x8e, 0xd8, 0x8e, 0xc0) // mov eax; mov ss, ds, es
  .bytes(0xbc, ...word32(SECOND_STACK), 0xbf, ...word32(SECOND_RESULTS)) // mov esp; mov edi
  .bytes(0x0f, 0x01, 0x1c, 0x25, ...word32(IDT_POINTER)) // lidt
  .store(SVR, 0x1ff)
  .bytes(0xb8, 1, 0, 0, 0, 0x0f, 0xa2, 0x89, 0xd8, 0xab) // mov eax,1; cpuid; mov eax,ebx; stosd
  .wrmsr(0xc000_0102, 0x7000n)
  .bytes(0xdb, 0xe3, 0xd9, 0xe8, 0xf3, 0x0f, 0x2a, 0xcf) // fninit; fld1; cvtsi2ss xmm1,edi
  .bytes(...increment(COUNTER))
  .label('changing')
  .bytes(0xb0, 0x11, 0xaa) // mov al,11h; stosb
  .store(STEP, RUNNING)
  .sti();
waitFor(code, PATCHED)
  .bytes(0x31, 0xc0, 0x0f, 0xa2) // xor eax,eax; cpuid
  .addressOf('changing')
  .bytes(0x8a, 0x40, 0x01, 0xaa) // mov al,[rax+1]; stosb
  .store(DIVIDE, 0xb)
  .store(LVT_TIMER, TIMER | PERIODIC)
  .store(INITIAL_COUNT, 60)
  .hlt()
  .cli()
  .store(STEP, RESTING)
  .sti()
  .hlt()
  .hlt()
  .bytes(...increment(COUNTER))
  .store(STEP, WOKEN)
  .rest()
  .handler(2)
  .bytes(0xb0, 2, 0xaa) // mov al,2; stosb
  .iret();
for (const vector of [MESSAGE, TIMER]) {
  code
    .handler(vector)
    .bytes(0x50, 0x53, 0xb0, vector, 0xaa) // push rax; push rbx; mov al,vector; stosb
    .store(EOI, 0)
    .bytes(0x5b, 0x58) // pop
    .iret();
}

function prepare({ parts: { engine } }: Machine): void {
  engine.memory.write(TRAMPOLINE, Uint8Array.from(trampoline(PLACES.code + code.offsetOf('second'))));
  engine.memory.write(GDT_POINTER, Uint8Array.of(0x7f, 0, ...word32(PLACES.gdt)));
  engine.memory.write(IDT_POINTER, Uint8Array.of(0xff, 0x0f, ...word64(BigInt(PLACES.idt))));
}

export const processors: ProofGuest = { name: 'two processors', code, end: 450n, config: { cpus: 2 }, prepare };
