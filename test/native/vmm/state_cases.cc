// SPDX-License-Identifier: BSD-2-Clause
// State out of one VM and into the next, and what a kernel without BHYVE_SNAPSHOT says.
#include <sys/mman.h>

#include <cstring>

#include "guest.h"

namespace test {

namespace {

constexpr tsbhyve::RegisterGroup all = RegisterGroup::All;

template <class Work>
std::string message_of(Work work) {
  try {
    work();
  } catch (const tsbhyve::EngineError& error) {
    return error.message;
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

void refusals() {
  Guest guest({0xfa, 0xf4});
  CHECK(contains(guest.engine->capabilities().missing_from_snapshot, "options BHYVE_SNAPSHOT"));
  CHECK(contains(message_of([&] { guest.engine->vcpu(0).get_private(); }), "options BHYVE_SNAPSHOT"));
  CHECK(contains(message_of([&] { guest.engine->chipset()->save(STRUCT_VATPIC); }), "options BHYVE_SNAPSHOT"));
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);  // running works
}

/// A counting guest goes on in another VM.
void moves() {
  const auto code = {0x40, 0xe7, 0xe0, 0xeb, 0xfb};  // inc ax; out e0h, ax; jmp back
  Guest first(code);
  for (unsigned i = 1; i <= 3; i++) {
    first.expect(ExitKind::PortWrite, 0xe0, 2);
    CHECK_EQUAL(first.engine->vcpu(0).slot.data, i);
  }
  first.engine->hold_time(true);
  CHECK_EQUAL(first.engine->safepoint().kind, ExitKind::None);
  const std::vector<std::uint64_t> registers = first.registers();
  const std::vector<std::uint8_t> processor = first.engine->vcpu(0).get_private();

  Guest second(code);
  second.engine->hold_time(true);
  second.engine->set_time(first.engine->time());
  second.engine->vcpu(0).set_registers(all, registers);
  second.engine->vcpu(0).set_private(processor);
  second.engine->hold_time(false);
  second.expect(ExitKind::PortWrite, 0xe0, 2);
  CHECK_EQUAL(second.engine->vcpu(0).slot.data, 4);

  std::vector<std::uint8_t> damaged = processor;
  damaged.pop_back();
  CHECK(
      contains(message_of([&] { second.engine->vcpu(0).set_private(damaged); }), "private section of vmm is damaged"));
  damaged = processor;
  damaged[12]++;
  CHECK(contains(message_of([&] { second.engine->vcpu(0).set_private(damaged); }), "is of kernel"));
  damaged.resize(10);
  CHECK(contains(message_of([&] { second.engine->vcpu(0).set_private(damaged); }), "too short"));
}

/// mov eax, cr4; or eax, 200h, and 40000h where there is an XCR0 to be; mov cr4, eax; XCR0
std::vector<int> enable_fpu(int xcr0) {
  if (xcr0 == 0) return {0x0f, 0x20, 0xe0, 0x66, 0x0d, 0x00, 0x02, 0x00, 0x00, 0x0f, 0x22, 0xe0};
  return {0x0f, 0x20, 0xe0, 0x66, 0x0d, 0x00, 0x02, 0x04, 0x00, 0x0f, 0x22, 0xe0, 0x66, 0xb8,
          xcr0, 0x00, 0x00, 0x00, 0x66, 0x31, 0xd2, 0x66, 0x31, 0xc9, 0x0f, 0x01, 0xd1};
}

/// Registers that the kernel has no request for. `xcr0` 0: without XSAVE.
void floating_point(int xcr0) {
  std::vector<int> code = enable_fpu(xcr0);
  for (const int byte : {
           0x0f, 0x10, 0x06, 0x00, 0x20, 0xdb, 0xe3, 0xd9, 0xeb,  // movups xmm0, [2000h]; fninit; fldpi
           0xe6, 0xe0,                                            // out e0h, al
           0x0f, 0x11, 0x06, 0x10, 0x20, 0xdd, 0x1e, 0x20, 0x20,  // movups [2010h], xmm0; fstp qword [2020h]
           0xe6, 0xe1,                                            // out e1h, al
       })
    code.push_back(byte);
  if (xcr0 != 0) code.insert(code.end(), {0x66, 0x31, 0xc9, 0x0f, 0x01, 0xd0, 0xe6, 0xe2});  // XCR0 to e2h
  Guest first(code);
  for (unsigned i = 0; i < 16; i++) first.ram()[0x2000 + i] = static_cast<std::uint8_t>(0xa0 + i);
  first.expect(ExitKind::PortWrite, 0xe0, 1);
  // Devices may be at work on all of the guest's memory: nothing of it is borrowed.
  CHECK(mprotect(first.ram(), ram_bytes, PROT_NONE) == 0);
  CHECK_EQUAL(first.engine->safepoint().kind, ExitKind::None);
  CHECK(mprotect(first.ram(), ram_bytes, PROT_READ | PROT_WRITE) == 0);
  const std::vector<std::uint64_t> registers = first.registers();
  CHECK_EQUAL(registers[index_of(Register::xcr0)], xcr0 == 0 ? 1 : xcr0);
  const std::vector<std::uint8_t> image = first.engine->vcpu(0).get_xsave(),
                                  processor = first.engine->vcpu(0).get_private();
  CHECK(image.size() >= 576);
  CHECK_EQUAL(image[160 + 5], 0xa5);
  CHECK(first.registers() == registers);
  first.expect(ExitKind::PortWrite, 0xe1, 1);  // and it goes on itself

  Guest second(code);
  second.engine->vcpu(0).set_registers(all, registers);
  second.engine->vcpu(0).set_xsave(image);
  second.engine->vcpu(0).set_private(processor);
  second.expect(ExitKind::PortWrite, 0xe1, 1);
  CHECK_EQUAL(second.ram()[0x2010 + 5], 0xa5);
  double pi = 0;
  std::memcpy(&pi, second.ram() + 0x2020, sizeof pi);
  CHECK(pi > 3.14159 && pi < 3.1416);
  if (xcr0 != 0) {
    second.expect(ExitKind::PortWrite, 0xe2, 1);
    CHECK_EQUAL(second.engine->vcpu(0).slot.data, xcr0);
  }
  CHECK(contains(message_of([&] { second.engine->vcpu(0).set_xsave(std::vector<std::uint8_t>(100)); }),
                 "XSAVE image, size: 100"));
}

/// A guest that always stands behind an STI is let go on until it does not, also while a wake waits.
void behind_a_shadow() {
  Guest guest({0xfb, 0xfb, 0xfa, 0xfb, 0xfb, 0xfa, 0xeb, 0xf8});  // sti; sti; cli; sti; sti; cli; jmp back
  for (int times = 0; times < 50; times++) {
    guest.run(guest.engine->time() + 100'000);
    guest.engine->wake();
    CHECK_EQUAL(guest.engine->safepoint().kind, ExitKind::None);
    CHECK_EQUAL(guest.get(Register::interrupt_shadow), 0);
    CHECK_EQUAL(guest.engine->run(never).kind, ExitKind::Woken);
  }
}

/// In the kernel it is seen by nobody, and comes to whatever code runs next: that which reads the FPU.
void nmi_before_a_pause() {
  enum { ByUs, ByMessage, WhilePaused };
  for (const int sent : {ByUs, ByMessage, WhilePaused}) {
    const auto start = [](Guest& guest) {
      guest.vector(2, 0x1100);
      guest.put(0x1100, {0xe6, 0xe1, 0xcf});  // out e1h, al; iret
    };
    const auto code = {0xe6, 0xe0, 0xeb, 0xfe};  // out e0h, al; jmp $
    Guest first(code), second(code);
    start(first);
    start(second);
    first.expect(ExitKind::PortWrite, 0xe0, 1);
    if (sent == ByUs) first.engine->vcpu(0).inject_nmi();
    if (sent == ByMessage) first.engine->send_msi(0xfee00000, 4 << 8);
    CHECK_EQUAL(first.engine->safepoint().kind, ExitKind::None);
    if (sent == WhilePaused) first.engine->vcpu(0).inject_nmi();
    const std::vector<std::uint64_t> registers = first.registers();
    CHECK_EQUAL(registers[index_of(Register::nmi_pending)], 1);
    second.engine->vcpu(0).set_registers(all, registers);
    second.engine->vcpu(0).set_xsave(first.engine->vcpu(0).get_xsave());
    second.engine->vcpu(0).set_private(first.engine->vcpu(0).get_private());
    for (Guest* guest : {&first, &second}) {
      guest->expect(ExitKind::PortWrite, 0xe1, 1);
      CHECK_EQUAL(guest->get(Register::nmi_pending), 0);
      CHECK_EQUAL(guest->run(guest->engine->time() + 5'000'000), ExitKind::Deadline);  // once
      guest->engine->vcpu(0).inject_nmi();                                             // and the next may come
      guest->expect(ExitKind::PortWrite, 0xe1, 1);
    }
  }
}

/// The kernel has it, and the guest is let go on until it has.
void exception_before_a_pause() {
  Guest guest({0x66, 0xb9, 0x78, 0x56, 0x34, 0x12, 0x0f, 0x32, 0xf4});  // mov ecx, 12345678h; rdmsr; hlt
  guest.vector(13, 0x1100);
  guest.put(0x1100, {0xff, 0x06, 0x10, 0x05, 0xeb, 0xfe});  // inc word [510h]; jmp $
  guest.expect(ExitKind::MsrRead, 0x12345678, 8);
  guest.engine->vcpu(0).slot.refused = 1;
  CHECK_EQUAL(guest.engine->safepoint().kind, ExitKind::None);
  CHECK_EQUAL(guest.ram()[0x510], 1);
}

/// A guest that waits for it cannot be saved; one that has masked it can.
void interval_timer() {
  Guest guest({
      0xb0, 0xfe, 0xe6, 0x21,                                                  // 8259: IRQ 0 alone
      0xe6, 0xe0,                                                              // out e0h, al
      0xb0, 0x34, 0xe6, 0x43, 0xb0, 0xa9, 0xe6, 0x40, 0xb0, 0x04, 0xe6, 0x40,  // 8254: mode 2, 1193
      0xe6, 0xe0, 0xb0, 0xff, 0xe6, 0x21, 0xe6, 0xe0,                          // out e0h; mask; out e0h
      0xb0, 0xfe, 0xe6, 0x21, 0xb0, 0x30, 0xe6, 0x43, 0xb0, 0x02, 0xe6, 0x40, 0xb0, 0x00, 0xe6, 0x40,  // once, 2 ticks
      0xe6, 0xe0, 0xeb, 0xfe,
  });
  const auto refusal = [&guest] { return guest.engine->chipset()->refusal(); };
  CHECK(refusal().empty());
  guest.expect(ExitKind::PortWrite, 0xe0, 1);
  CHECK(refusal().empty());
  guest.expect(ExitKind::PortWrite, 0xe0, 1);
  CHECK(contains(refusal(), "waits for its 8254 timer"));
  guest.expect(ExitKind::PortWrite, 0xe0, 1);
  CHECK(refusal().empty());
  guest.expect(ExitKind::PortWrite, 0xe0, 1);
  guest.run(guest.engine->time() + 5'000'000);
  CHECK(refusal().empty());  // it has been and gone
}

/// The kernel alone would let it begin at 0 again.
void pm_timer() {
  const auto code = {0xba, 0x08, 0x04, 0x66, 0xed, 0xba, 0xe0, 0x00, 0x66, 0xef, 0xeb, 0xf4};  // 408h to e0h, for ever
  const auto shown = [](Guest& guest) {
    CHECK_EQUAL(guest.run(), ExitKind::PortWrite);
    return static_cast<std::uint32_t>(guest.engine->vcpu(0).slot.data);
  };
  Guest first(code);
  first.run(first.engine->time() + 50'000'000);
  std::uint32_t before = 0;
  while (before < 100'000) before = shown(first);
  first.engine->hold_time(true);
  CHECK_EQUAL(first.engine->safepoint().kind, ExitKind::None);
  const std::vector<std::uint8_t> saved = first.engine->chipset()->save(STRUCT_VPMTMR);
  CHECK_EQUAL(saved.size(), 4);

  Guest second(code);
  second.engine->hold_time(true);
  second.engine->chipset()->load(STRUCT_VPMTMR, saved);
  second.engine->hold_time(false);
  const std::uint32_t after = shown(second);
  CHECK(after >= before);
}

void chips() {
  Guest first({0xb0, 0xa5, 0xe6, 0x21, 0xe6, 0xe0, 0xfa, 0xf4});  // mask of the 8259; out e0h, al
  first.expect(ExitKind::PortWrite, 0xe0, 1);
  CHECK_EQUAL(first.engine->safepoint().kind, ExitKind::None);
  Guest second({0xe4, 0x21, 0xe6, 0xe0, 0xfa, 0xf4});  // in al, 21h; out e0h, al
  for (const std::uint32_t part : {STRUCT_VIOAPIC, STRUCT_VATPIC, STRUCT_VATPIT, STRUCT_VHPET, STRUCT_VRTC})
    second.engine->chipset()->load(part, first.engine->chipset()->save(part));
  second.expect(ExitKind::PortWrite, 0xe0, 1);
  CHECK_EQUAL(second.engine->vcpu(0).slot.data, 0xa5);
  CHECK(contains(message_of([&] { second.engine->chipset()->save(STRUCT_VMCX); }), "none of the chipset's"));
  const std::vector<std::uint8_t> longer(5000);
  CHECK(contains(message_of([&] { second.engine->chipset()->load(STRUCT_VATPIC, longer); }), "has 5000 bytes"));
}

void local_apic() {
  Guest guest({0xfa, 0xf4});
  std::vector<std::uint64_t> rows = guest.engine->vcpu(0).get_lapic();
  const auto at = [](tsbhyve::LapicRow row) { return static_cast<std::size_t>(row); };
  CHECK_EQUAL(rows[at(tsbhyve::LapicRow::spurious)], 0xff);
  rows[at(tsbhyve::LapicRow::spurious)] = 0x1ff;
  rows[at(tsbhyve::LapicRow::lvt) + 3] = 0x700;
  guest.engine->vcpu(0).set_lapic(rows);
  rows = guest.engine->vcpu(0).get_lapic();
  CHECK_EQUAL(rows[at(tsbhyve::LapicRow::spurious)], 0x1ff);
  CHECK_EQUAL(rows[at(tsbhyve::LapicRow::lvt) + 3], 0x700);
}

}  // namespace

void state_cases(bool can_save) {
  local_apic();
  if (!can_save) return refusals();
  moves();
  for (const int xcr0 : {0, 1, 3}) floating_point(xcr0);
  behind_a_shadow();
  nmi_before_a_pause();
  exception_before_a_pause();
  interval_timer();
  pm_timer();
  chips();
}

}  // namespace test
