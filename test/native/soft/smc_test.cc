// SPDX-License-Identifier: BSD-2-Clause
// Code that changes, and branches that are remembered: a cached block, a chained branch and a remembered jump must
// never lead to other instructions than those that lie in memory.
#include "flat_guest.h"

using namespace tsbhyve;
using tsbhyve::test::based_code;
using tsbhyve::test::FlatGuest;
using tsbhyve::test::Guest;
using tsbhyve::test::require;
using tsbhyve::test::second_base;

namespace {

void an_interrupt_between_branch_and_target_chains_nothing() {
  // 1000: sti; 1001: jmp 1010; 1010: inc eax; cmp eax, 3; jb 1001; hlt; 1080: inc ebx; iret
  FlatGuest guest({0xfb, 0xeb, 0x0d});
  guest.write(0x1010, {0x40, 0x3d, 0x03, 0x00, 0x00, 0x00, 0x72, 0xe9, 0xf4});
  guest.write(0x1080, {0x43, 0xcf});
  guest.set_vector(0x40, 0x1080);
  guest.enable_apic();
  require(guest.run(6) == ExitKind::Deadline, "it stops after the second JMP");
  guest.engine->send_msi(0xfee00000, 0x40);
  guest.run_to_halt();
  require(guest.get(Register::rbx) == 1,
          "the handler on the branch's page runs once: " + std::to_string(guest.get(Register::rbx)));
  require(guest.get(Register::rax) == 3, "the branch leads where it says");
}

void a_remembered_jump_is_one_of_its_segment() {
  // mov eax, 1100h; call eax; call eax; jmp 18h:1200h; there, 20000h further up: jmp eax
  FlatGuest guest(
      {0xb8, 0x00, 0x11, 0x00, 0x00, 0xff, 0xd0, 0xff, 0xd0, 0xea, 0x00, 0x12, 0x00, 0x00, based_code, 0x00});
  guest.write(0x1100, {0x43, 0xc3});                // inc ebx; ret
  guest.write(second_base + 0x1200, {0xff, 0xe0});  // jmp eax
  guest.write(second_base + 0x1100, {0x41, 0xf4});  // inc ecx; hlt
  guest.run_to_halt();
  require(guest.get(Register::rbx) == 2 && guest.get(Register::rcx) == 1,
          "the base of CS counts after the flat segment too");
}

void code_runs_off_the_end_of_memory() {
  // ffffch: jmp ffff00h, whose last byte lies beyond the RAM and reads FFh; there: inc ebx; cmp ebx, 3; jb ffffch; hlt
  FlatGuest guest({0xe9, 0xf7, 0xef, 0x0f, 0x00});  // jmp ffffch
  guest.write(0xffffc, {0xe9, 0xff, 0xfe, 0xff});
  guest.write(0xfff00, {0x43, 0x83, 0xfb, 0x03, 0x0f, 0x82, 0xf2, 0x00, 0x00, 0x00, 0xf4});
  guest.run_to_halt();
  require(guest.get(Register::rbx) == 3, "an instruction half in memory runs each time");
}

void a_store_over_a_page_end_into_its_own_block() {
  // movsd from 1ffch to 1ffeh: source and destination overlap, and the second half hits the running block
  Guest guest({0xe9, 0xfd, 0x0f});  // jmp 2000h
  guest.write(0x1ffc, {0x11, 0x22, 0x33, 0x44});
  guest.write(0x2000, {0x90, 0x90, 0x66, 0xa5, 0xf4});
  guest.set(Register::rsi, 0x1ffc);
  guest.set(Register::rdi, 0x1ffe);
  guest.run_to_halt();
  require(guest.byte(0x1ffe) == 0x11 && guest.byte(0x1fff) == 0x22, "the first half is there");
  require(guest.byte(0x2000) == 0x33 && guest.byte(0x2001) == 0x44, "the second half is what was read once");
}

void a_store_half_to_a_device_runs_again_unharmed() {
  // inc dword [ffffeh]: the lower half is memory, the upper one MMIO, which is asked twice
  FlatGuest guest({0xff, 0x05, 0xfe, 0xff, 0x0f, 0x00, 0xf4});
  guest.write(0xffffe, {0x10, 0x00});
  guest.run_to_halt();
  require(guest.written == std::vector<std::uint64_t>{0x5a}, "the device gets back what it gave");
  require(guest.byte(0xffffe) == 0x11, "memory is incremented once");
}

void a_page_walk_changes_the_running_block() {
  // The page table at 4000h is code as well: 4808h is the entry of 202000h, and INC EBP (45h) becomes a GS prefix (65h)
  // when the walk of MOV AL, [202000h] sets its accessed bit.
  FlatGuest guest({0xe9, 0xfb, 0x37, 0x00, 0x00});  // jmp 4800h
  guest.map_identity();
  guest.write(0x4800, {0xa0, 0x00, 0x20, 0x20, 0x00, 0x90, 0x90, 0x90, 0x45, 0x90, 0x00, 0x00, 0xf4});
  guest.set(Register::rax, 0x8000);
  guest.set(Register::rbp, 0);
  guest.run_to_halt();
  require(guest.byte(0x4808) == 0x65, "the accessed bit is set");
  require(guest.get(Register::rbp) == 0, "the changed instruction is the one that runs");
}

void a_bulk_fill_replaces_code() {
  // call 3000h; mov di, 3000h; mov cx, 64; mov al, 40h; rep stosb; mov byte [3040h], c3h; call 3000h; hlt
  Guest guest({0xe8, 0xfd, 0x1f, 0xbf, 0x00, 0x30, 0xb9, 0x40, 0x00, 0xb0, 0x43,
               0xf3, 0xaa, 0xc6, 0x06, 0x40, 0x30, 0xc3, 0xe8, 0xeb, 0x1f, 0xf4});
  guest.write(0x3000, {0x45, 0xc3});  // inc bp; ret
  guest.set(Register::rbp, 0);
  guest.run_to_halt();
  require(guest.get(Register::rbp) == 1 && guest.get(Register::rbx) == 64, "64 times INC BX took the place of INC BP");
}

void a_chained_branch_forgets_code_that_has_changed() {
  // 1000: mov ecx, 3; 1005: jmp 1010; 1010: inc eax; dec ecx; jz 1020; jmp 1005
  FlatGuest guest({0xb9, 0x03, 0x00, 0x00, 0x00, 0xeb, 0x09});
  guest.write(0x1010, {0x40, 0x49, 0x74, 0x0c, 0xeb, 0xef});
  // 1020: dec edx; js 1040; mov byte [1010], 43h (inc ebx); mov ecx, 3; jmp 1005; 1040: hlt
  guest.write(0x1020,
              {0x4a, 0x78, 0x1d, 0xc6, 0x05, 0x10, 0x10, 0x00, 0x00, 0x43, 0xb9, 0x03, 0x00, 0x00, 0x00, 0xeb, 0xd4});
  guest.write(0x1040, {0xf4});
  guest.set(Register::rdx, 1);
  guest.run_to_halt();
  require(guest.get(Register::rax) == 3 && guest.get(Register::rbx) == 3, "each loop runs the code of its time");
}

void fetch_faults_leave_nothing_behind() {
  // An instruction that runs onto a page which is not present, a thousand times: found by the leak check of the
  // sanitizer.
  FlatGuest guest({0xe9, 0xf9, 0x4f, 0x00, 0x00});  // jmp 5ffeh
  guest.map_identity();
  guest.write(0x5ffe, {0xb8, 0x34});
  guest.write(0x4000 + 6 * 4, {0, 0, 0, 0});
  // inc ebx; cmp ebx, 1000; jae +4; add esp, 4; iret; hlt  (the error code goes first)
  guest.write(0x600, {0x43, 0x81, 0xfb, 0xe8, 0x03, 0x00, 0x00, 0x73, 0x04, 0x83, 0xc4, 0x04, 0xcf, 0xf4});
  guest.set_vector(14, 0x600);
  guest.run_to_halt();
  require(guest.get(Register::rbx) == 1000 && guest.get(Register::cr2) == 0x6000, "the fault names the second page");
}

}  // namespace

int main() {
  an_interrupt_between_branch_and_target_chains_nothing();
  a_remembered_jump_is_one_of_its_segment();
  code_runs_off_the_end_of_memory();
  a_store_over_a_page_end_into_its_own_block();
  a_store_half_to_a_device_runs_again_unharmed();
  a_page_walk_changes_the_running_block();
  a_bulk_fill_replaces_code();
  a_chained_branch_forgets_code_that_has_changed();
  fetch_faults_leave_nothing_behind();
  std::puts("smc: ok");
  return 0;
}
