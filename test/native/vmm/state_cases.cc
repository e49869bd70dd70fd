// SPDX-License-Identifier: BSD-2-Clause
// State out of one VM and into the next, and what a kernel without BHYVE_SNAPSHOT says.
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
  CHECK(contains(message_of([&] { guest.engine->get_private(); }), "options BHYVE_SNAPSHOT"));
  CHECK(contains(message_of([&] { guest.engine->chipset()->save(STRUCT_VATPIC); }), "options BHYVE_SNAPSHOT"));
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);  // running works
}

/// A counting guest goes on in another VM.
void moves() {
  const auto code = {0x40, 0xe7, 0xe0, 0xeb, 0xfb};  // inc ax; out e0h, ax; jmp back
  Guest first(code);
  for (unsigned i = 1; i <= 3; i++) {
    first.expect(ExitKind::PortWrite, 0xe0, 2);
    CHECK_EQUAL(first.engine->slot.data, i);
  }
  first.engine->hold_time(true);
  CHECK_EQUAL(first.engine->safepoint().kind, ExitKind::None);
  const std::vector<std::uint64_t> registers = first.registers();
  const std::vector<std::uint8_t> processor = first.engine->get_private();

  Guest second(code);
  second.engine->hold_time(true);
  second.engine->set_time(first.engine->time());
  second.engine->set_registers(all, registers);
  second.engine->set_private(processor);
  second.engine->hold_time(false);
  second.expect(ExitKind::PortWrite, 0xe0, 2);
  CHECK_EQUAL(second.engine->slot.data, 4);

  std::vector<std::uint8_t> damaged = processor;
  damaged.pop_back();
  CHECK(contains(message_of([&] { second.engine->set_private(damaged); }), "private section of vmm is damaged"));
  damaged = processor;
  damaged[12]++;
  CHECK(contains(message_of([&] { second.engine->set_private(damaged); }), "is of kernel"));
  damaged.resize(10);
  CHECK(contains(message_of([&] { second.engine->set_private(damaged); }), "too short"));
}

/// The kernel alone would let it begin at 0 again.
void pm_timer() {
  const auto code = {0xba, 0x08, 0x04, 0x66, 0xed, 0xba, 0xe0, 0x00, 0x66, 0xef, 0xeb, 0xf4};  // 408h to e0h, for ever
  const auto shown = [](Guest& guest) {
    CHECK_EQUAL(guest.run(), ExitKind::PortWrite);
    return static_cast<std::uint32_t>(guest.engine->slot.data);
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
  CHECK_EQUAL(second.engine->slot.data, 0xa5);
  CHECK(contains(message_of([&] { second.engine->chipset()->save(STRUCT_VMCX); }), "none of the chipset's"));
  const std::vector<std::uint8_t> longer(5000);
  CHECK(contains(message_of([&] { second.engine->chipset()->load(STRUCT_VATPIC, longer); }), "has 5000 bytes"));
}

void local_apic() {
  Guest guest({0xfa, 0xf4});
  std::vector<std::uint64_t> rows = guest.engine->get_lapic();
  const auto at = [](tsbhyve::LapicRow row) { return static_cast<std::size_t>(row); };
  CHECK_EQUAL(rows[at(tsbhyve::LapicRow::spurious)], 0xff);
  rows[at(tsbhyve::LapicRow::spurious)] = 0x1ff;
  rows[at(tsbhyve::LapicRow::lvt) + 3] = 0x700;
  guest.engine->set_lapic(rows);
  rows = guest.engine->get_lapic();
  CHECK_EQUAL(rows[at(tsbhyve::LapicRow::spurious)], 0x1ff);
  CHECK_EQUAL(rows[at(tsbhyve::LapicRow::lvt) + 3], 0x700);
}

}  // namespace

void state_cases(bool can_save) {
  if (!can_save) return refusals();
  moves();
  pm_timer();
  chips();
  local_apic();
}

}  // namespace test
