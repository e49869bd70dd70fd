// SPDX-License-Identifier: BSD-2-Clause
// What may not be visible: block structure, caches, the length of a run. And what must be: self-modifying code,
// traps, exact counts.
#include "guest.h"

using namespace tsbhyve;
using tsbhyve::test::Guest;
using tsbhyve::test::require;

namespace {

// mov cx, 300; l: inc ax; add bx, ax; ror bx, 3; push bx; pop dx; xor si, dx; loop l; mov di, 2000h; mov cx, 77; rep
// stosw; hlt
const std::vector<int> mixed_loop = {0xb9, 0x2c, 0x01, 0x40, 0x01, 0xc3, 0xc1, 0xcb, 0x03, 0x53, 0x5a, 0x31,
                                     0xd6, 0xe2, 0xf4, 0xbf, 0x00, 0x20, 0xb9, 0x4d, 0x00, 0xf3, 0xab, 0xf4};

void slices_are_invisible() {
  Guest whole(mixed_loop);
  whole.run_to_halt();
  for (const std::int64_t step : {1, 2, 3, 7, 50, 1000}) {
    Guest sliced(mixed_loop);
    sliced.run_to_halt(step);
    require(sliced.vcpu->instructions() == whole.vcpu->instructions(),
            "slices of " + std::to_string(step) + " change the count");
    require(sliced.everything() == whole.everything(), "slices of " + std::to_string(step) + " change the state");
  }
}

void caches_are_invisible() {
  Guest kept(mixed_loop), dropped(mixed_loop);
  kept.run_to_halt(13);
  for (;;) {
    dropped.engine->drop_caches();
    if (dropped.run(dropped.engine->time() + 13) == ExitKind::Hlt) break;
  }
  require(kept.everything() == dropped.everything(), "dropping caches changes the state");
}

void rep_counts_every_iteration() {
  Guest guest({0xb9, 0x0a, 0x00, 0xf3, 0xaa, 0xb9, 0x00, 0x00, 0xf3, 0xaa, 0xf4});  // 10 iterations, then none
  guest.run_to_halt();
  require(guest.vcpu->instructions() == 1 + 10 + 1 + 1 + 1,
          "REP STOSB of 10 and of 0 count 10 and 1, with 3 others: got " + std::to_string(guest.vcpu->instructions()));
}

void code_changes_itself() {
  // mov byte [1008h], 43h; nop; nop; inc ax (becomes inc bx); hlt: the store hits the block that runs
  Guest ahead({0xc6, 0x06, 0x07, 0x10, 0x43, 0x90, 0x90, 0x40, 0xf4});
  ahead.run_to_halt();
  require(ahead.get(Register::rax) == 0 && ahead.get(Register::rbx) == 1,
          "a store ahead in the running block takes effect");

  // A loop whose body changes after it was cached and chained: mov cx,2; l: inc ax; mov byte [1003h],43h; loop l; hlt
  Guest looping({0xb9, 0x02, 0x00, 0x40, 0xc6, 0x06, 0x03, 0x10, 0x43, 0xe2, 0xf8, 0xf4});
  looping.run_to_halt();
  require(looping.get(Register::rax) == 1 && looping.get(Register::rbx) == 1, "a cached block sees the new bytes");
}

void instructions_straddle_pages() {
  Guest guest({0xe9, 0xfb, 0x0f});                // jmp 1ffeh
  guest.write(0x1ffe, {0xb8, 0x34, 0x12, 0xf4});  // mov ax, 1234h over the page end; hlt
  guest.run_to_halt();
  require(guest.get(Register::rax) == 0x1234, "an instruction over a page end runs");
  guest.write(0x2000, {0x78});  // change its second half only
  guest.set(Register::rip, 0x1000);
  guest.set(Register::run_state, 0);
  guest.run_to_halt();
  require(guest.get(Register::rax) == 0x7834, "a change on its second page is seen");
}

void trap_flag_steps() {
  // push word 0100h|2; popf; nop; nop; push 2; popf; hlt, counting #DB in DX
  Guest guest({0x68, 0x02, 0x01, 0x9d, 0x90, 0x90, 0x6a, 0x02, 0x9d, 0xf4});
  guest.write(1 * 4, {0x00, 0x06, 0x00, 0x00});
  guest.write(0x600, {0x42, 0xcf});  // inc dx; iret
  guest.run_to_halt();
  require(guest.get(Register::rdx) == 4,
          "TF traps after NOP, NOP, PUSH and the POPF that clears it: got " + std::to_string(guest.get(Register::rdx)));
}

void ports_and_mmio_reach_the_device_model() {
  // in al,40h; out 41h,al; mov ax,0f000h; mov ds,ax (base f0000h is RAM here); hlt
  Guest guest({0xe4, 0x40, 0x04, 0x01, 0xe6, 0x41, 0xf4});
  guest.run_to_halt();
  require(guest.written == std::vector<std::uint64_t>{0x5b}, "IN gets the answer, OUT gives the value");

  // ds = ffffh: segment base ffff0h, offset 10h = 100000h, beyond the RAM: inc byte [10h] reads and writes once each
  Guest mmio({0xb8, 0xff, 0xff, 0x8e, 0xd8, 0xfe, 0x06, 0x10, 0x00, 0xf4});
  mmio.run_to_halt();
  require(mmio.written == std::vector<std::uint64_t>{0x5b}, "a read-modify-write of MMIO is one read and one write");
  require(mmio.vcpu->instructions() == 4, "an instruction that waited for answers counts once");
}

void a_saved_vcpu_goes_on_alike() {
  Guest straight(mixed_loop);
  straight.run_to_halt(1000);
  for (std::int64_t at = 1; at < 200; at += 3) {
    Guest first(mixed_loop), second({0xf4});
    first.run(at);
    std::vector<std::uint64_t> registers(register_count);
    first.vcpu->get_registers(RegisterGroup::All, registers);
    second.vcpu->set_registers(RegisterGroup::All, registers);
    second.vcpu->set_msrs(first.vcpu->get_msrs());
    second.vcpu->set_xsave(first.vcpu->get_xsave());
    second.vcpu->set_lapic(first.vcpu->get_lapic());
    std::memcpy(second.ram.segments().front().host, first.ram.segments().front().host, 1 << 20);
    second.engine->memory_written(0, 1 << 20);
    second.vcpu->set_private(first.vcpu->get_private());
    second.run_to_halt(1000);
    require(second.everything() == straight.everything(),
            "a vCPU saved after " + std::to_string(at) + " instructions goes on differently");
  }
}

void the_dirty_log_has_clients() {
  Guest guest({0xbf, 0x00, 0x30, 0xaa, 0xf4});  // mov di, 3000h; stosb; hlt
  unsigned first = 9, second = 9;
  require(guest.ram.open_client(first) && guest.ram.open_client(second) && first != second, "two clients open");
  guest.engine->dirty_log_taken();
  guest.run_to_halt();
  std::vector<std::uint8_t> pages(guest.ram.page_count() / 8), again(pages.size());
  guest.ram.take(first, pages.data());
  require(pages[0] == 1 << 3, "the log names page 3 and no other");
  guest.engine->dirty_log_taken();
  guest.ram.take(first, again.data());
  require(again[0] == 0, "a taken log starts empty");
  std::fill(again.begin(), again.end(), 0);
  guest.ram.take(second, again.data());
  require(again[0] == 1 << 3, "the second client keeps its own log");
}

}  // namespace

int main() {
  slices_are_invisible();
  caches_are_invisible();
  rep_counts_every_iteration();
  code_changes_itself();
  instructions_straddle_pages();
  trap_flag_steps();
  ports_and_mmio_reach_the_device_model();
  a_saved_vcpu_goes_on_alike();
  the_dirty_log_has_clients();
  std::puts("run: ok");
  return 0;
}
