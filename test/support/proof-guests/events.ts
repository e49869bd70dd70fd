// SPDX-License-Identifier: BSD-2-Clause
/** Exceptions, interrupts, shadows, debug traps, NMI, user mode, and translations that memory no longer agrees with. */
import { GuestCode, word32 } from '../guest-code.js';
import { PLACES, SELECTORS } from '../proof-guest-loader.js';
import { done, type ProofGuest } from './proof-guest.js';

const LAPIC_ICR = 0xfee00300;
const SELF_IPI = 0x40000; // shorthand "self"
const SEND_NMI = 0x4400; // to the processor with APIC id 0
const DEVICE_VECTOR = 0x40;

const MISSING_PAGE = 0x50000;
const MOVED_PAGE = 0x51000;
const NEW_PLACE = 0x52000;
const pageTableEntry = (address: number): number => PLACES.firstTable + (address >>> 12) * 8;
const USER_WRITABLE = 7;

const KEEP_RAX = [0x48, 0xab];
const keepReturnAddress = [0x48, 0x8b, 0x04, 0x24, ...KEEP_RAX]; // mov rax,[rsp]; stosq
const skipTwoBytes = [0x48, 0x83, 0x04, 0x24, 0x02]; // add qword [rsp],2
const keepErrorCode = [0x58, ...KEEP_RAX]; // pop rax; stosq

const STAR = 0x0020_0010_0000_0000n;
const LSTAR = 0xc000_0082;

const code = new GuestCode();
code
  .bytes(0xb8, ...word32(SELECTORS.tss), 0x0f, 0x00, 0xd8) // ltr ax: the stack for interrupts from user mode
  .bytes(0x31, 0xc9, 0xf7, 0xf1) // xor ecx,ecx; div ecx: #DE
  .bytes(0x0f, 0x0b, 0xcc) // ud2; int3
  .bytes(0xb8, 0xf8, 0xff, 0x00, 0x00, 0x8e, 0xd8) // mov eax,fff8; mov ds,eax: #GP(fff8)
  // A missing page, which the handler brings back.
  .store(pageTableEntry(MISSING_PAGE), 0)
  .load(MISSING_PAGE)
  // A page that moves while its old translation, and its old accessed bit, are still in use.
  .store(MOVED_PAGE, 0x1111)
  .store(NEW_PLACE, 0x2222)
  .store(pageTableEntry(MOVED_PAGE), NEW_PLACE | USER_WRITABLE)
  .load(MOVED_PAGE)
  .store(MOVED_PAGE, 0x3333)
  .bytes(0x0f, 0x01, 0x3b) // invlpg [rbx]
  .load(MOVED_PAGE)
  .load(pageTableEntry(MOVED_PAGE))
  // An interrupt that waits for STI and its shadow.
  .store(LAPIC_ICR, SELF_IPI | DEVICE_VECTOR)
  .nop(2)
  .sti()
  .nop(2)
  .cli()
  // A data breakpoint on the operand of MOV SS: the trap waits with the shadow.
  .store(PLACES.data, SELECTORS.data)
  .rax(BigInt(PLACES.data))
  .bytes(0x0f, 0x23, 0xc0) // mov dr0,rax
  .rax(0x000f_0401n) // four bytes, read or write, local
  .bytes(0x0f, 0x23, 0xf8, 0xbe, ...word32(PLACES.data), 0x8e, 0x16) // mov dr7,rax; mov esi; mov ss,[rsi]
  .nop(2)
  .rax(0x400n)
  .bytes(0x0f, 0x23, 0xf8) // mov dr7,rax
  .rax(0xffff_8000_1234_5000n)
  .bytes(0x0f, 0x23, 0xc8, 0x48, 0xff, 0xc0, 0x0f, 0x23, 0xd0, 0x48, 0xff, 0xc0, 0x0f, 0x23, 0xd8) // mov dr1; inc; dr2; inc; dr3
  // Single steps.
  .bytes(0x9c, 0x81, 0x0c, 0x24, ...word32(0x100), 0x9d) // pushfq; or dword [rsp],TF; popfq
  .nop(2)
  .bytes(0x9c, 0x81, 0x24, 0x24, ...word32(~0x100), 0x9d) // pushfq; and dword [rsp],~TF; popfq
  // An NMI, and a second one while the first is served.
  .bytes(0x4d, 0x31, 0xff) // xor r15,r15
  .store(LAPIC_ICR, SEND_NMI)
  .nop(1)
  // User mode and its ways back.
  .wrmsr(0xc000_0081, STAR)
  .addressOf('system call')
  .bytes(0x48, 0x89, 0xc2, 0x48, 0xc1, 0xea, 0x20, 0xb9, ...word32(LSTAR), 0x0f, 0x30) // mov rdx,rax; shr rdx,32; wrmsr
  .wrmsr(0xc000_0084, 0x200n)
  .wrmsr(0xc000_0102, 0x7000n)
  .bytes(0x6a, SELECTORS.userData, 0x68, ...word32(PLACES.userStack), 0x68, ...word32(0x202), 0x6a, SELECTORS.userCode) // push
  .addressOf('user')
  .bytes(0x50) // push rax
  .iret()
  .label('user')
  .nop(2)
  .bytes(0xf4, 0x90) // hlt: #GP(0)
  .bytes(0xcc) // int3 through a user gate
  .store(LAPIC_ICR, SELF_IPI | DEVICE_VECTOR)
  .nop(1)
  .bytes(0x31, 0xdb, 0x0f, 0x05) // xor ebx,ebx; syscall
  .nop(2)
  .bytes(0xff, 0xc3, 0x0f, 0x05) // inc ebx; syscall
  .label('system call')
  .bytes(0x0f, 0x01, 0xf8, 0x48, 0x89, 0xc8, ...KEEP_RAX, 0x85, 0xdb) // swapgs; mov rax,rcx; stosq; test ebx,ebx
  .jumpIfNotZero('end')
  .bytes(0x48, 0x0f, 0x07) // sysretq
  .label('end')
  .bytes(0xbc, ...word32(PLACES.stack)); // mov esp
done(code)
  .handler(0)
  .bytes(...keepReturnAddress, ...skipTwoBytes)
  .iret()
  .handler(1)
  .bytes(0x0f, 0x21, 0xf0, ...KEEP_RAX, ...keepReturnAddress) // mov rax,dr6
  .iret()
  .handler(2)
  .bytes(...keepReturnAddress, 0x49, 0xff, 0xc7, 0x49, 0x83, 0xff, 0x02) // inc r15; cmp r15,2
  .bytes(0x74, 0x0c) // je over the next store
  .store(LAPIC_ICR, SEND_NMI)
  .nop(1)
  .iret()
  .handler(3)
  .bytes(...keepReturnAddress)
  .iret()
  .handler(6)
  .bytes(...keepReturnAddress, ...skipTwoBytes)
  .iret()
  .handler(13)
  .bytes(...keepErrorCode, ...skipTwoBytes)
  .iret()
  .handler(14)
  .bytes(...keepErrorCode, 0x0f, 0x20, 0xd0, ...KEEP_RAX) // mov rax,cr2
  .bytes(0xc7, 0x04, 0x25, ...word32(pageTableEntry(MISSING_PAGE)), ...word32(MISSING_PAGE | USER_WRITABLE)) // mov dword
  .iret()
  .handler(DEVICE_VECTOR)
  .bytes(0x50, 0x53, 0x48, 0x8b, 0x44, 0x24, 0x10, ...KEEP_RAX) // push rax; push rbx; mov rax,[rsp+16]
  .store(0xfee000b0, 0) // EOI
  .bytes(0x5b, 0x58) // pop
  .iret();

export const events: ProofGuest = { name: 'exceptions, interrupts and user mode', code, end: 500n };
