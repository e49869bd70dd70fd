// SPDX-License-Identifier: BSD-2-Clause
// Ports, MSRs, ends of the guest, deadlines and wakes, and the safepoint.
#include <thread>

#include "guest.h"

namespace test {

namespace {

void ports() {
  Guest guest({
      0xba, 0xf8, 0x03,                    // mov dx, 3f8h
      0xb0, 'H',  0xee,                    // mov al, 'H'; out dx, al
      0x66, 0xb8, 1,    2,    3,    4,     // mov eax, 04030201h
      0xed,                                // in ax, dx
      0x66, 0xa3, 0x00, 0x05,              // mov [500h], eax
      0x66, 0xed,                          // in eax, dx
      0x66, 0xa3, 0x04, 0x05, 0xfa, 0xf4,  // mov [504h], eax; cli; hlt
  });
  guest.expect(ExitKind::PortWrite, 0x3f8, 1);
  CHECK_EQUAL(guest.engine->vcpu(0).slot.data, 'H');
  guest.expect(ExitKind::PortRead, 0x3f8, 2);
  guest.engine->vcpu(0).slot.data = 0xffffbeef;  // what is too wide is cut
  guest.expect(ExitKind::PortRead, 0x3f8, 4);
  guest.engine->vcpu(0).slot.data = 0x12345678;
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
  CHECK_EQUAL(guest.engine->vcpu(0).slot.detail, 1);
  CHECK_EQUAL(*reinterpret_cast<std::uint32_t*>(guest.ram() + 0x500), 0x0403beef);
  CHECK_EQUAL(*reinterpret_cast<std::uint32_t*>(guest.ram() + 0x504), 0x12345678);
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
}

void msrs() {
  Guest guest({
      0x66, 0xb9, 0x78, 0x56, 0x34, 0x12,  // mov ecx, 12345678h
      0x0f, 0x32,                          // rdmsr
      0x0f, 0x30, 0xf4,                    // wrmsr; hlt
  });
  guest.expect(ExitKind::MsrRead, 0x12345678, 8);
  guest.engine->vcpu(0).slot.data = 0x1122334455667788;
  guest.expect(ExitKind::MsrWrite, 0x12345678, 8);
  CHECK_EQUAL(guest.engine->vcpu(0).slot.data, 0x1122334455667788);
  guest.vector(13, 0x1100);
  guest.put(0x1100, {0xb0, 'G', 0xe6, 0xe0});  // mov al, 'G'; out e0h, al
  guest.engine->vcpu(0).slot.refused = 1;
  guest.expect(ExitKind::PortWrite, 0xe0, 1);
  CHECK_EQUAL(guest.engine->vcpu(0).slot.data, 'G');
  // The fault's frame names the instruction that was refused.
  CHECK_EQUAL(guest.ram()[0x8000 - 6] | guest.ram()[0x8000 - 5] << 8, code_address + 8);
}

void safepoint() {
  Guest guest({
      0xfb,              // sti, whose shadow covers the next instruction only
      0xe4, 0xe0,        // in al, e0h
      0xe6, 0xe1, 0xf4,  // out e1h, al; hlt
  });
  CHECK_EQUAL(guest.engine->safepoint().kind, ExitKind::None);
  CHECK_EQUAL(guest.get(Register::rip), code_address);
  guest.expect(ExitKind::PortRead, 0xe0, 1);
  guest.engine->vcpu(0).slot.data = 0x5a;
  CHECK_EQUAL(guest.engine->safepoint().kind, ExitKind::None);
  CHECK_EQUAL(guest.get(Register::rip), code_address + 3);
  CHECK_EQUAL(guest.get(Register::rax) & 0xff, 0x5a);
  CHECK_EQUAL(guest.get(Register::interrupt_shadow), 0);
  guest.expect(ExitKind::PortWrite, 0xe1, 1);
  CHECK_EQUAL(guest.engine->vcpu(0).slot.data, 0x5a);
}

void shutdown() {
  Guest guest({0x0f, 0x0b});  // ud2 without an interrupt table in protected mode
  std::vector<std::uint64_t> values = guest.registers();
  values[index_of(Register::cr0)] |= 1;
  values[index_of(Register::cs_selector)] = 8;
  values[index_of(Register::cs_attributes)] = 0xc09b;
  values[index_of(Register::cs_limit)] = 0xffffffff;
  values[index_of(Register::idtr_limit)] = 0;
  guest.engine->vcpu(0).set_registers(RegisterGroup::All, values);
  CHECK_EQUAL(guest.run(), ExitKind::Shutdown);
  CHECK_EQUAL(guest.get(Register::run_state), 3);
  CHECK_EQUAL(guest.run(), ExitKind::Shutdown);
  guest.engine->reset();
  CHECK_EQUAL(guest.get(Register::run_state), 0);
  CHECK_EQUAL(guest.get(Register::rip), 0xfff0);
  CHECK_EQUAL(guest.get(Register::cs_base), 0xffff0000);
}

/// Neither a guest that runs for ever nor one that sleeps keeps the thread.
void ways_out(std::initializer_list<int> code) {
  Guest guest(code);
  const std::int64_t deadline = guest.engine->time() + 20'000'000;
  CHECK_EQUAL(guest.run(deadline), ExitKind::Deadline);
  CHECK(guest.engine->time() >= deadline);
  CHECK_EQUAL(guest.engine->run(deadline).kind, ExitKind::Deadline);
  guest.engine->wake();
  CHECK_EQUAL(guest.engine->run(never).kind, ExitKind::Woken);
  std::thread waker([&guest] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    guest.engine->wake();
  });
  CHECK_EQUAL(guest.run(), ExitKind::Woken);
  waker.join();
  CHECK_EQUAL(guest.engine->run(never).kind, ExitKind::None);  // the end of a slice
}

void refusals() {
  const auto refused = [](auto work, const std::string& what) {
    try {
      work();
    } catch (const tsbhyve::EngineError& error) {
      CHECK((error.message + error.call).find(what) != std::string::npos);
      return;
    }
    CHECK(what.empty());
  };
  tsbhyve::EngineOptions options;
  options.library = library_path;
  tsbhyve::GuestRam rom, elsewhere, usual;
  rom.add_segment(0, 0x1000, true);
  elsewhere.add_segment(0x100000, 0x1000, false);
  usual.add_segment(0, 0x10000, false);
  refused([&] { tsbhyve::vmm::VmmEngine engine(&rom, options); }, "read-only memory");
  refused([&] { tsbhyve::vmm::VmmEngine engine(&elsewhere, options); }, "memory lies at 0 and at 4 GiB");
  options.vcpus = 1000;
  refused([&] { tsbhyve::vmm::VmmEngine engine(&usual, options); }, "1000 vCPUs are more than the");
  options.vcpus = 1;
  options.virtual_clock = true;
  refused([&] { tsbhyve::vmm::VmmEngine engine(&usual, options); }, "virtual clock");
  options.virtual_clock = false;
  options.library = "/nowhere/libvmmapi.so";
  refused([&] { tsbhyve::vmm::VmmEngine engine(&usual, options); }, "/nowhere/libvmmapi.so");
  Guest guest({0xf4});
  refused([&] { guest.engine->dirty_log_taken(); }, "does not tell");
}

}  // namespace

void exit_cases() {
  ports();
  msrs();
  safepoint();
  shutdown();
  ways_out({0xeb, 0xfe});              // jmp back
  ways_out({0xfb, 0xf4, 0xeb, 0xfd});  // sti; hlt; jmp back
  refusals();
}

}  // namespace test
