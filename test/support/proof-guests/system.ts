// SPDX-License-Identifier: BSD-2-Clause
/** Control registers, descriptor tables, segments, MSRs, address-space ids. */
import { GuestCode, word32 } from '../guest-code.js';
import { PLACES, SELECTORS } from '../proof-guest-loader.js';
import { done, type ProofGuest } from './proof-guest.js';

const TSC = 0x10;
const TSC_ADJUST = 0x3b;
const PCIDE = 0x20000n;
const MTRR_TYPES = 0x0606_0606_0606_0606n; // write-back, eight times
const MTRR_FIXED = [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f] as const;
const MTRR_BASE = 0x200;
const MTRR_MASK_VALID = 0x800n;
const VARIABLE_MTRRS = 8;

const code = new GuestCode()
  .wrmsr(0x174, 0x10n)
  .wrmsr(0x175, 0x3_0000n)
  .wrmsr(0x176, 0xffff_8000_0000_1000n)
  .wrmsr(0x17a, 4n)
  .wrmsr(0x1a0, 0n)
  .wrmsr(0x1d9, 2n)
  .wrmsr(0x277, 0x0001_0406_0007_0406n)
  .wrmsr(0x2ff, 0xc06n)
  .wrmsr(0xc000_0081, 0x0020_0010_1234_5678n)
  .wrmsr(0xc000_0082, 0xffff_8000_0000_2000n)
  .wrmsr(0xc000_0083, 0xffff_8000_0000_3000n)
  .wrmsr(0xc000_0084, 0x4_7700n)
  .wrmsr(0xc000_0102, 0x7f00_0000_1000n)
  .wrmsr(0xc000_0103, 0x77n);
for (const [index, msr] of MTRR_FIXED.entries()) code.wrmsr(msr, MTRR_TYPES - BigInt(index === 10 ? 0 : 6));
for (let pair = 0; pair < VARIABLE_MTRRS; pair += 1) {
  code.wrmsr(MTRR_BASE + 2 * pair, (BigInt(pair + 1) << 21n) | 1n);
  code.wrmsr(MTRR_BASE + 2 * pair + 1, 0xff_ffe0_0000n | MTRR_MASK_VALID);
}
code
  .wrmsr(TSC, 0x1_0000_0000n)
  .rdmsr(TSC_ADJUST)
  .bytes(0x0f, 0x01, 0xf9, 0xab, 0x89, 0xc8, 0xab) // rdtscp; stosd; mov eax,ecx; stosd
  // Descriptor tables of other limits, a task, a local table.
  .store(PLACES.data, 0x5f | ((PLACES.gdt & 0xffff) << 16))
  .store(PLACES.data + 4, 0)
  .store(PLACES.data + 8, 0)
  .bytes(0xbe, ...word32(PLACES.data), 0x0f, 0x01, 0x16) // mov esi; lgdt [rsi]
  .store(PLACES.data, 0xeff | ((PLACES.idt & 0xffff) << 16))
  .bytes(0x0f, 0x01, 0x1e) // lidt [rsi]
  .bytes(0xb8, ...word32(SELECTORS.tss), 0x0f, 0x00, 0xd8) // ltr ax
  .bytes(0xb8, ...word32(SELECTORS.ldt), 0x0f, 0x00, 0xd0) // lldt ax
  .bytes(0xb8, ...word32(0x0c), 0x8e, 0xc0, 0x8e, 0xe0, 0x8e, 0xd0, 0x8e, 0xd8) // mov es,ax; fs; ss; ds: from the local table
  .bytes(0xb8, ...word32(SELECTORS.userData), 0x8e, 0xe8) // mov gs,ax
  .wrmsr(0xc000_0100, 0x1_8000n)
  .wrmsr(0xc000_0101, 0x1_9000n)
  .bytes(0x64, 0x8b, 0x04, 0x25, ...word32(0), 0xab) // mov eax,fs:[0]
  .bytes(0x65, 0x89, 0x04, 0x25, ...word32(8)) // mov gs:[8],eax
  .bytes(0x0f, 0x01, 0x07, 0x48, 0x83, 0xc7, 0x10) // sgdt [rdi]; add rdi,16
  // Address-space ids: CR4.PCIDE, then two spaces in turn.
  .bytes(0x0f, 0x20, 0xe0, 0x48, 0x0d, ...word32(Number(PCIDE)), 0x0f, 0x22, 0xe0) // mov rax,cr4; or; mov cr4,rax
  .rax(BigInt(PLACES.pml4) | 5n)
  .bytes(0x0f, 0x22, 0xd8) // mov cr3,rax
  .load(PLACES.data)
  .rax(BigInt(PLACES.pml4) | 6n)
  .bytes(0x0f, 0x22, 0xd8)
  .load(PLACES.data)
  .rax((1n << 63n) | BigInt(PLACES.pml4) | 5n) // keeping what the TLB has of space 5
  .bytes(0x0f, 0x22, 0xd8)
  .load(PLACES.data + 4)
  .rax(0x1234_5678_9abcn)
  .bytes(0x0f, 0x22, 0xd0) // mov cr2,rax
  .bytes(0xb8, ...word32(9), 0x44, 0x0f, 0x22, 0xc0) // mov eax,9; mov cr8,rax
  .bytes(0x0f, 0x20, 0xc0, 0x48, 0x83, 0xc8, 0x0a, 0x0f, 0x22, 0xc0) // cr0 |= MP and TS
  .bytes(0xfa, 0x9c, 0x48, 0x81, 0x0c, 0x24, ...word32(0x20_7000), 0x9d); // pushfq; or [rsp],ID NT IOPL; popfq

export const system: ProofGuest = { name: 'system registers', code: done(code), end: 400n };
