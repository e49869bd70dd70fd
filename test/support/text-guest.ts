// SPDX-License-Identifier: BSD-2-Clause
/**
 * Real-mode guests that write a text to COM1, one character at each interrupt, halt in between, and switch the machine
 * off at the end. What interrupts them, and through which controller, is the parameter.
 */
import {
  lapicIndex,
  REGISTER_COUNT,
  RegisterGroup,
  type RegisterName,
  registerIndex,
} from '../../src/hypervisor/registers.js';
import type { Machine } from '../../src/machine/machine.js';

export type InterruptSource = 'uart' | 'pit' | 'hpet';
export type InterruptController = '8259' | 'ioapic';

export const TEXT = 'The quick brown fox jumps over the lazy dog.\n';

const CODE = 0x1000;
const HANDLER = 0x2000;
const NMI_HANDLER = 0x2800;
const TEXT_BASE = 0x3000;
const STACK = 0x8000;
/** On the 8259 that of IRQ 0. */
const VECTOR = 0x20;
const NMI = 2;

const IRQ: Readonly<Record<InterruptSource, number>> = { pit: 0, uart: 4, hpet: 24 };
/** IRQ 0 arrives at pin 2 of the I/O APIC. */
const PIN: Readonly<Record<InterruptSource, number>> = { pit: 2, uart: 4, hpet: 24 };

const word = (value: number): number[] => [value & 0xff, value >> 8];
const dword = (value: number): number[] => [...word(value & 0xffff), ...word(value >>> 16)];
/** mov dx,port; mov al,value; out dx,al */
const out = (port: number, value: number): number[] => [0xba, ...word(port), 0xb0, value, 0xee];

/** Segments whose bases no real-mode selector reaches: the machine starts with them. */
const SEGMENTS = {
  es: { prefix: 0x26, base: 0xfed00000 },
  fs: { prefix: 0x64, base: 0xfec00000 },
  gs: { prefix: 0x65, base: 0xfee00000 },
};
/** mov dword segment:[offset],value */
const store = (segment: keyof typeof SEGMENTS, offset: number, value: number): number[] => [
  SEGMENTS[segment].prefix,
  0x66,
  0xc7,
  0x06,
  ...word(offset),
  ...dword(value),
];
const lapicEoi = store('gs', 0xb0, 0);

function controllerSetup(controller: InterruptController, source: InterruptSource): number[] {
  if (controller === '8259') {
    const mask = 0xff & ~(1 << IRQ[source]);
    return [...out(0x20, 0x11), ...out(0x21, VECTOR), ...out(0x21, 4), ...out(0x21, 1), ...out(0x21, mask)];
  }
  // Level-triggered for the UART, so that its end has to be told to the I/O APIC.
  const redirection = VECTOR | (source === 'uart' ? 0x8000 : 0);
  const index = 0x10 + 2 * PIN[source];
  return [...out(0x21, 0xff), ...store('gs', 0xf0, 0x1ff), ...store('fs', 0, index), ...store('fs', 0x10, redirection)];
}

const SOURCE_SETUP: Readonly<Record<InterruptSource, readonly number[]>> = {
  uart: [...out(0x3fc, 0x0b), ...out(0x3f9, 0x02)], // OUT2; interrupt when the transmitter is empty
  pit: [...out(0x43, 0x34), ...out(0x40, 0xa9), ...out(0x40, 0x04)], // 1000 Hz
  hpet: [...store('es', 0x100, 0x304c), ...store('es', 0x108, 16_777), ...store('es', 0x10, 1)], // periodic, pin 24
};

/** lodsb; test al,al; jz end; mov dx,3f8; out dx,al; EOI; iret; end: mov dx,404; mov ax,3400; out dx,ax; cli; hlt */
function handler(controller: InterruptController): number[] {
  const eoi = controller === '8259' ? out(0x20, 0x20) : lapicEoi;
  const print = [0xba, ...word(0x3f8), 0xee, ...eoi, 0xcf];
  const end = [0xba, ...word(0x404), 0xb8, ...word(0x3400), 0xef, 0xfa, 0xf4];
  const readInterruptId = [0xba, ...word(0x3fa), 0xec]; // clears the UART's
  return [...readInterruptId, 0xac, 0x84, 0xc0, 0x74, print.length, ...print, ...end];
}

/** Puts the guest into a machine that was built without anything to boot. An NMI makes it write '!'. */
export function loadTextGuest(machine: Machine, source: InterruptSource, controller: InterruptController): void {
  const { memory, vcpu } = machine.parts.engine;
  const put = (address: number, bytes: readonly number[]) => memory.write(address, Uint8Array.from(bytes));
  put(CODE, [...controllerSetup(controller, source), ...SOURCE_SETUP[source], 0xfb, 0xf4, 0xeb, 0xfd]); // sti; hlt; jmp
  put(HANDLER, handler(controller));
  put(NMI_HANDLER, [...out(0x3f8, 0x21), 0xcf]);
  put(TEXT_BASE, [...Buffer.from(`${TEXT}\0`)]);
  const vector = controller === '8259' ? VECTOR + IRQ[source] : VECTOR;
  memory.writeU32(4 * vector, HANDLER);
  memory.writeU32(4 * NMI, NMI_HANDLER);
  const values = new BigUint64Array(REGISTER_COUNT);
  vcpu.getRegisters(RegisterGroup.All, values);
  const set = (name: RegisterName, value: number) => {
    values[registerIndex(name)] = BigInt(value);
  };
  set('cs_selector', 0);
  set('cs_base', 0);
  set('rip', CODE);
  set('rsi', TEXT_BASE);
  set('rsp', STACK);
  for (const [name, { base }] of Object.entries(SEGMENTS)) set(`${name as keyof typeof SEGMENTS}_base`, base);
  vcpu.setRegisters(RegisterGroup.All, values);
  const rows = vcpu.getLapic();
  rows[lapicIndex('spurious')] = 0x1ffn;
  rows[lapicIndex('lvt') + 3] = 0x700n; // LINT0 = ExtINT
  vcpu.setLapic(rows);
}
