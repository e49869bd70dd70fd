// SPDX-License-Identifier: BSD-2-Clause
/** 32-bit paging through page-directory pointers, which the processor keeps after memory has changed. */
import { GuestCode, word32 } from '../guest-code.js';
import { PLACES, SELECTORS } from '../proof-guest-loader.js';
import { done, type ProofGuest } from './proof-guest.js';

const POINTERS = 0xc000;
const PAGE = 0x1000;
const PRESENT = 1;
const APIC_VERSION = 0xfee00030; // needs the fourth pointer

const code = new GuestCode();
for (let index = 0; index < 4; index += 1) {
  code.store(POINTERS + 8 * index, (PLACES.directories + index * PAGE) | PRESENT);
}
code
  .bytes(0xb8, ...word32(0x30), 0x0f, 0x22, 0xe0) // mov eax,PSE PAE; mov cr4,eax
  .bytes(0xb8, ...word32(POINTERS), 0x0f, 0x22, 0xd8) // mov cr3,eax
  .bytes(0x0f, 0x20, 0xc0, 0x0d, ...word32(0x8000_0000), 0x0f, 0x22, 0xc0) // cr0 |= PG
  .load(APIC_VERSION)
  .store(POINTERS + 24, 0)
  .bytes(0x0f, 0x01, 0x3d, ...word32(APIC_VERSION)) // invlpg: the next access walks from the pointer again
  .load(APIC_VERSION)
  .bytes(0xb8, ...word32(SELECTORS.tss16), 0x0f, 0x00, 0xd8) // ltr ax
  .bytes(0xdb, 0xe3, 0xdb, 0x06) // fninit; fild dword [esi]: selectors of the instruction and its operand
  .bytes(0xc8, 0x10, 0x00, 0x00, 0x60, 0x61, 0xc9); // enter 16,0; pusha; popa; leave

export const pae: ProofGuest = { name: 'PAE paging', code: done(code), end: 100n, mode: 'protected' };
