// SPDX-License-Identifier: BSD-2-Clause
/** Small guests in two forms: real-mode machine code at 0x1000, and the same steps for the fake engine. */
import type { FakeGuest } from '../../src/hypervisor/fake-guest.js';

export interface ContractGuest {
  readonly code: readonly number[];
  readonly fake: FakeGuest;
}

export const CODE_BASE = 0x1000;
/** Where the handler of vector 0x40 is expected. */
export const HANDLER_BASE = 0x2000;
export const VECTOR = 0x40;
/** Leads to the same handler. */
export const NMI = 2;

const CLI_HLT = [0xfa, 0xf4];

/** Writes "Hi" to port 0x3F8 and stops. */
export const printing: ContractGuest = {
  // mov dx,3f8; mov al,'H'; out dx,al; mov al,'i'; out dx,al
  code: [0xba, 0xf8, 0x03, 0xb0, 0x48, 0xee, 0xb0, 0x69, 0xee, ...CLI_HLT],
  *fake() {
    yield { do: 'spend', instructions: 2 };
    yield { do: 'out', port: 0x3f8, value: 0x48 };
    yield { do: 'spend', instructions: 1 };
    yield { do: 'out', port: 0x3f8, value: 0x69 };
    yield { do: 'cli-hlt' };
  },
};

/** Reads a word from port 0x3E0 and writes it to port 0x3E4. */
export const echoing: ContractGuest = {
  // mov dx,3e0; in ax,dx; mov dx,3e4; out dx,ax
  code: [0xba, 0xe0, 0x03, 0xed, 0xba, 0xe4, 0x03, 0xef, ...CLI_HLT],
  *fake() {
    yield { do: 'spend', instructions: 1 };
    const value = yield { do: 'in', port: 0x3e0, width: 2 };
    yield { do: 'spend', instructions: 1 };
    yield { do: 'out', port: 0x3e4, width: 2, value: Number(value) };
    yield { do: 'cli-hlt' };
  },
};

/** Loads a byte from 0xA0010 and stores it, extended to a word, at 0xA0020. No memory is there. */
export const mapped: ContractGuest = {
  // mov ax,a000; mov ds,ax; xor ax,ax; mov al,[10]; mov [20],ax
  code: [0xb8, 0x00, 0xa0, 0x8e, 0xd8, 0x31, 0xc0, 0xa0, 0x10, 0x00, 0xa3, 0x20, 0x00, ...CLI_HLT],
  *fake() {
    yield { do: 'spend', instructions: 3 };
    const value = yield { do: 'load', address: 0xa0010, width: 1 };
    yield { do: 'store', address: 0xa0020, width: 2, value: value ?? 0n };
    yield { do: 'cli-hlt' };
  },
};

/** Halts with interrupts on; the handler of vector 0x40 writes "W" to port 0x3F8. */
export const waiting: ContractGuest = {
  code: [0xfb, 0xf4, ...CLI_HLT], // sti; hlt
  *fake() {
    yield { do: 'spend', instructions: 1 };
    yield { do: 'hlt' };
    yield { do: 'out', port: 0x3f8, value: 0x57 };
    yield { do: 'cli-hlt' };
  },
};

/** Halts with interrupts off; the handler writes "W" to port 0x3F8. */
export const halting: ContractGuest = {
  code: CLI_HLT,
  *fake({ interrupts }) {
    while (!interrupts.includes(NMI)) yield { do: 'cli-hlt' };
    yield { do: 'out', port: 0x3f8, value: 0x57 };
  },
};

/** Does nothing for ever, with interrupts on; the handler of vector 0x40 writes "W" to port 0x3F8. */
export const busyWithInterrupts: ContractGuest = {
  code: [0xfb, 0xeb, 0xfe], // sti; jmp back
  *fake({ interrupts }) {
    while (!interrupts.includes(VECTOR)) yield { do: 'spend', instructions: 1 };
    yield { do: 'out', port: 0x3f8, value: 0x57 };
    yield { do: 'cli-hlt' };
  },
};

/** Counts in AX for ever. */
export const busy: ContractGuest = {
  code: [0x40, 0xeb, 0xfd], // inc ax; jmp back
  *fake() {
    for (;;) yield { do: 'spend', instructions: 1_000_000 };
  },
};

/** Writes 1, 2, 3 ... to port 0x3F8 with instructions between. */
export const counting: ContractGuest = {
  // mov dx,3f8; inc ax; out dx,al; jmp to inc
  code: [0xba, 0xf8, 0x03, 0x40, 0xee, 0xeb, 0xfc],
  *fake() {
    yield { do: 'spend', instructions: 1 };
    for (let value = 1; ; value += 1) {
      yield { do: 'spend', instructions: 1 };
      yield { do: 'out', port: 0x3f8, value: value & 0xff };
      yield { do: 'spend', instructions: 1 };
    }
  },
};

/** mov al,'W'; mov dx,3f8; out dx,al; iret */
export const HANDLER = [0xb0, 0x57, 0xba, 0xf8, 0x03, 0xee, 0xcf];
