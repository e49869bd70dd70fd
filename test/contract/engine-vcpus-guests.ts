// SPDX-License-Identifier: BSD-2-Clause
/** Real-mode machine code for machines with several vCPUs, to be put wherever a vCPU begins. */

/** Where each vCPU has its code: a page. */
export const codePage = (vcpu: number): number => 3 + vcpu;

const CLI_HLT = [0xfa, 0xf4];

/** cli; hlt */
export const ended: readonly number[] = CLI_HLT;

/** sti; hlt; jmp to hlt. Handlers write "W" to port 0x3F8. */
export const sleeping: readonly number[] = [0xfb, 0xf4, 0xeb, 0xfd];

/** inc ax; jmp back */
export const spinning: readonly number[] = [0x40, 0xeb, 0xfd];

/** Reads a word from port 0x3E0, adds one, writes it to port 0x3E4: for ever, and counts in CX. */
export const adding: readonly number[] = [
  ...[0xba, 0xe0, 0x03, 0xed, 0x40, 0x41], // mov dx,3e0; in ax,dx; inc ax; inc cx
  ...[0xba, 0xe4, 0x03, 0xef, 0xeb, 0xf4], // mov dx,3e4; out dx,ax; jmp to the first
];

/** Writes 1, 2, 3 ... to port 0x3E4, in the lower byte: the upper one is that of CS. */
export const countingWithCs: readonly number[] = [
  ...[0x31, 0xc9, 0x8c, 0xc8, 0xba, 0xe4, 0x03], // xor cx,cx; mov ax,cs; mov dx,3e4
  ...[0x41, 0x88, 0xc8, 0xef, 0xeb, 0xfa], // inc cx; mov al,cl; out dx,ax; jmp to inc
];

/** Adds one to a word on a page of its own, and ends. */
export const storing = (vcpu: number): readonly number[] => [0xff, 0x06, 0, storesTo(vcpu) >> 8, ...CLI_HLT];
export const storesTo = (vcpu: number): number => 0xa000 + 0x1000 * vcpu;

/** UD2 in protected mode: where the IDT has no room, a triple fault. */
export const faulting: readonly number[] = [0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0x0f, 0x0b];

/** Through the local APIC at DS: makes a vCPU wait for a start-up message (SDM vol. 3, 10.6.1). */
export const init = (vcpu: number): readonly number[] => command(vcpu, 0x4500);

/** Starts it at the beginning of a page. */
export const startUp = (vcpu: number, page: number): readonly number[] => command(vcpu, 0x4600 | page);

/** Reads a word from port 0x3E0 until it is not 0. */
export const awaiting: readonly number[] = [0xba, 0xe0, 0x03, 0xed, 0x85, 0xc0, 0x74, 0xfb];

function command(vcpu: number, low: number): readonly number[] {
  // mov dword ptr [310], vcpu << 24; mov dword ptr [300], low
  return [0x66, 0xc7, 0x06, 0x10, 0x03, 0, 0, 0, vcpu, 0x66, 0xc7, 0x06, 0x00, 0x03, low & 0xff, low >> 8, 0, 0];
}
