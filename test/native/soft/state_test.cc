// SPDX-License-Identifier: BSD-2-Clause
// State out and in: what is saved is complete, what is restored is checked, and no input from outside does harm.
#include <functional>
#include <random>
#include <stdexcept>

#include "engine/lapic_state.h"
#include "flat_guest.h"

using namespace tsbhyve;
using tsbhyve::test::FlatGuest;
using tsbhyve::test::Guest;
using tsbhyve::test::require;

namespace {

using Words = std::vector<std::uint64_t>;
using Bytes = std::vector<std::uint8_t>;

/// The message of the std::invalid_argument that `work` throws; empty when it throws none.
std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

Words registers_of(Guest& guest) {
  Words values(register_count);
  guest.vcpu->get_registers(RegisterGroup::All, values);
  return values;
}

void put(Bytes& bytes, std::size_t word, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; i++) bytes[word * 8 + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

void every_register_comes_back() {
  for (std::size_t row = 0; row < register_count; row++) {
    Guest guest({0xf4});
    Words values = registers_of(guest);
    values[row] ^= 1;
    if (row == static_cast<std::size_t>(Register::xcr0)) continue;  // a constant of this CPU model
    if (row == static_cast<std::size_t>(Register::rflags)) values[row] |= 2;
    guest.vcpu->set_registers(RegisterGroup::All, values);
    require(registers_of(guest) == values, std::string(register_rows[row].name) + " comes back as it was set");
  }
}

void registers_too_wide_are_named() {
  const auto try_value = [](Register which, std::uint64_t value) {
    Guest guest({0xf4});
    return refusal([&] { guest.set(which, value); });
  };
  require(try_value(Register::run_state, 4).starts_with("run_state: 0x4"), "run_state 4");
  require(try_value(Register::cs_selector, 0x10000).starts_with("cs_selector"), "a selector of 17 bits");
  require(try_value(Register::gdtr_limit, 0x10000).starts_with("gdtr_limit"), "a table limit of 17 bits");
  require(try_value(Register::rflags, 1u << 22).starts_with("rflags"), "a flag that does not exist");
  require(try_value(Register::cr8, 16).starts_with("cr8"), "a task priority of five bits");
  require(try_value(Register::interrupt_shadow, 2).starts_with("interrupt_shadow"), "a boolean of 2");
  require(try_value(Register::xcr0, 7).starts_with("xcr0"), "AVX state");
}

void a_refused_set_changes_nothing() {
  Guest guest({0xf4});
  const Words before = registers_of(guest);
  Words values = before;
  values[static_cast<std::size_t>(Register::rax)] = 99;
  values[static_cast<std::size_t>(Register::pending_debug)] = ~std::uint64_t{0};
  require(!refusal([&] { guest.vcpu->set_registers(RegisterGroup::All, values); }).empty(), "the last row is refused");
  require(registers_of(guest) == before, "so the first is not taken");
}

void the_task_priority_keeps_its_low_bits() {
  Guest guest({0xf4});
  Words apic = guest.vcpu->get_lapic();
  apic[static_cast<std::size_t>(LapicRow::task_priority)] = 0x35;
  guest.vcpu->set_lapic(apic);
  guest.vcpu->set_registers(RegisterGroup::All, registers_of(guest));
  require(guest.vcpu->get_lapic() == apic, "CR8, which repeats the upper four, does not clear them");
}

void local_apics_are_checked() {
  const auto try_value = [](LapicRow row, std::uint64_t value) {
    Guest guest({0xf4});
    Words apic = guest.vcpu->get_lapic();
    apic[static_cast<std::size_t>(row)] = value;
    return refusal([&] { guest.vcpu->set_lapic(apic); });
  };
  require(try_value(LapicRow::timer_running, 1).find("initial_count") != std::string::npos,
          "a running timer without a count");
  require(try_value(LapicRow::timer_running, 2).find("timer_running") != std::string::npos, "a boolean of 2");
  require(try_value(LapicRow::request, 0x8000).find("request") != std::string::npos, "vector 15");
  require(try_value(LapicRow::id, std::uint64_t{1} << 32).find("id") != std::string::npos, "an id of 33 bits");
  require(try_value(LapicRow::base, 0xfee00400).find("base") != std::string::npos, "x2APIC mode of a disabled APIC");
  Guest guest({0xf4});
  require(!refusal([&] { guest.vcpu->set_lapic(Words(3)); }).empty(), "three rows");
}

void fpu_images_are_checked() {
  Guest guest({0xf4});
  const Bytes good = guest.vcpu->get_xsave();
  const auto try_byte = [&](std::size_t at, std::uint8_t value) {
    Bytes image = good;
    image[at] = value;
    return refusal([&] { guest.vcpu->set_xsave(image); });
  };
  require(try_byte(512, 7).find("XSTATE_BV") != std::string::npos, "AVX state");
  require(try_byte(527, 0x80).find("XCOMP_BV") != std::string::npos, "the compacted format");
  require(try_byte(26, 1).find("MXCSR") != std::string::npos, "a reserved bit of MXCSR");
  require(refusal([&] { guest.vcpu->set_xsave(Bytes(575)); }).find("size") != std::string::npos, "a short image");
  Bytes initial = good;
  initial[0] = 0x55;    // control word
  initial[160] = 0x55;  // XMM0
  initial[512] = 0;     // neither is in use
  guest.vcpu->set_xsave(initial);
  const Bytes now = guest.vcpu->get_xsave();
  require(now[0] == 0x7f && now[1] == 3 && now[160] == 0, "components that are not in use are initial");
}

void private_sections_are_checked() {
  FlatGuest guest({0xa1, 0x00, 0x50, 0x00, 0x00, 0xf4});  // mov eax, [5000h]
  guest.map_identity();
  guest.run_to_halt();
  const Bytes good = guest.vcpu->get_private();
  const Words before = registers_of(guest);
  const auto try_word = [&](std::size_t word, std::uint64_t value) {
    Bytes bytes = good;
    put(bytes, word, value);
    return refusal([&] { guest.vcpu->set_private(bytes); });
  };
  constexpr std::size_t version = 0, base = 1, base_retired = 2, remainder = 3, instructions = 4, entries = 6,
                        linear = 7, kind = 9;
  require(!try_word(version, 9).empty(), "an unknown version");
  require(!try_word(base, ~std::uint64_t{0}).empty() && !try_word(base_retired, 1000).empty(), "an impossible time");
  require(!try_word(remainder, 1).empty() && !try_word(instructions, ~std::uint64_t{0}).empty(), "an impossible count");
  require(!try_word(entries, 8193).empty() && !try_word(linear, 1).empty(), "entries out of place");
  require(!try_word(kind, std::uint64_t{200} << 24).empty(), "a page of 2^200 bytes");
  for (std::size_t length = 0; length < good.size(); length++) {
    require(!refusal([&] {
               guest.vcpu->set_private({good.data(), length});
             }).empty(),
            "cut to " + std::to_string(length));
  }
  require(guest.vcpu->get_private() == good && registers_of(guest) == before, "what is refused changes nothing");
}

/// Earlier versions wrote the place of each entry before it, in TLBs of 1024.
void older_private_sections_are_read() {
  FlatGuest guest({0xa1, 0x00, 0x50, 0x00, 0x00, 0xf4});
  guest.map_identity();
  guest.run_to_halt();
  const Bytes good = guest.vcpu->get_private();
  constexpr std::size_t head = 6;
  Bytes old;
  std::size_t word = 0;
  const auto append = [&](std::uint64_t value) {
    old.resize(old.size() + 8);
    put(old, old.size() / 8 - 1, value);
  };
  const auto next = [&] {
    std::uint64_t value = 0;
    for (std::size_t i = 8; i-- > 0;) value = value << 8 | good[word * 8 + i];
    word++;
    return value;
  };
  for (std::size_t i = 0; i < head; i++) append(next());
  for (int tlb = 0; tlb < 2; tlb++) {
    std::uint64_t left = next();
    for (append(left); left > 0; left--) {
      const std::uint64_t linear = next();
      append(linear >> 12 & 1023);
      append(linear);
      append(next());
      append(next());
    }
  }
  put(old, 0, 1);
  guest.vcpu->set_private(old);
  require(guest.vcpu->get_private() == good, "a section of version 1");
}

void stale_translations_survive_a_save() {
  // mov eax, [5000h]; then the table says page 6, without INVLPG; mov ebx, [5000h]; hlt
  const std::vector<int> code = {0xa1, 0x00, 0x50, 0x00, 0x00, 0xc6, 0x05, 0x15, 0x40, 0x00,
                                 0x00, 0x60, 0x8b, 0x1d, 0x00, 0x50, 0x00, 0x00, 0xf4};
  for (const bool saved : {false, true}) {
    FlatGuest guest(code);
    guest.map_identity();
    guest.write(0x5000, {0x55});
    guest.write(0x6000, {0x66});
    guest.run(2);
    if (saved) {
      const Words registers = registers_of(guest);
      const Bytes section = guest.vcpu->get_private();
      guest.vcpu->set_registers(RegisterGroup::All, registers);
      guest.vcpu->set_private(section);
    }
    guest.run_to_halt();
    require(guest.get(Register::rbx) == 0x55, saved ? "the TLB is restored" : "the TLB is stale");
  }
}

void setting_other_registers_keeps_the_tlb() {
  FlatGuest guest({0xa1, 0x00, 0x50, 0x00, 0x00, 0xf4});
  guest.map_identity();
  guest.run_to_halt();
  const Bytes before = guest.vcpu->get_private();
  guest.vcpu->set_registers(RegisterGroup::General, registers_of(guest));
  require(guest.vcpu->get_private() == before, "general registers have nothing to do with it");
}

void a_restore_ends_the_instruction_in_flight() {
  Guest guest({0xe4, 0x40, 0xf4});  // in al, 40h
  const Words start = registers_of(guest);
  require(guest.run(100) == ExitKind::PortRead, "it waits for the port");
  guest.vcpu->slot.data = 7;
  guest.vcpu->set_registers(RegisterGroup::All, start);
  require(guest.engine->safepoint().kind == ExitKind::None && registers_of(guest) == start,
          "no answer reaches the new state");
}

void bad_options_are_refused() {
  GuestRam ram;
  ram.add_segment(0, 1 << 20, false);
  const auto try_options = [&ram](auto change) {
    EngineOptions options;
    change(options);
    return refusal([&] { soft::SoftEngine(&ram, options); });
  };
  require(try_options([](EngineOptions& o) { o.physical_address_bits = 64; }).starts_with("physicalAddressBits: 64"),
          "64 bits");
  require(try_options([](EngineOptions& o) { o.tsc_hz = 0; }).starts_with("tscHz"), "a TSC that stands still");
  require(try_options([](EngineOptions& o) { o.nanoseconds_denominator = 0; }).starts_with("denominator"),
          "a division by zero");
}

void writes_outside_memory_are_nothing() {
  Guest guest({0xf4});
  guest.engine->memory_written(0, ~std::uint64_t{0});
  guest.engine->memory_written(~std::uint64_t{0} - 5, 100);
  guest.ram.mark_dirty(0x1000, ~std::uint64_t{0});
  guest.run_to_halt();
}

/// Whatever a state file holds: it is refused, or the guest runs on in some way.
void hostile_states_do_no_harm() {
  std::mt19937_64 random(1);  // a fixed seed: the same states each time
  for (unsigned round = 0; round < 300 / ::test::small_work_divisor; round++) {
    Guest guest({0xf4});
    for (std::uint64_t at = 0; at < 0x4000; at += 8) {
      const std::uint64_t bytes = random();
      std::memcpy(guest.ram.host_page(at) + (at & 4095), &bytes, 8);
    }
    guest.engine->memory_written(0, 1 << 20);
    Words values = registers_of(guest), apic = guest.vcpu->get_lapic();
    for (std::uint64_t& value : values) {
      if (random() % 4 == 0) value = random() >> (random() % 64);
    }
    values[static_cast<std::size_t>(Register::rip)] = random() % 0x4000;
    values[static_cast<std::size_t>(Register::xcr0)] = 3;
    values[static_cast<std::size_t>(Register::run_state)] = 0;
    for (const Register narrow :
         {Register::cs_selector, Register::es_selector, Register::ss_selector, Register::ds_selector}) {
      values[static_cast<std::size_t>(narrow)] &= 0xffff;
    }
    for (std::uint64_t& value : apic) {
      if (random() % 4 == 0) value = random() >> (random() % 64);
    }
    Bytes section = guest.vcpu->get_private();
    section[random() % section.size()] ^= static_cast<std::uint8_t>(random());
    for (std::size_t row = 0; row < register_count;
         row++) {  // row by row: one that is refused keeps none from being tried
      Words one = registers_of(guest);
      one[row] = values[row];
      refusal([&] { guest.vcpu->set_registers(RegisterGroup::All, one); });
    }
    refusal([&] { guest.vcpu->set_lapic(apic); });
    refusal([&] { guest.vcpu->set_private(section); });
    for (int exits = 0; exits < 20; exits++) {
      guest.vcpu->slot.data = random();
      if (guest.run(guest.engine->time() + 500) == ExitKind::Shutdown) break;
    }
  }
}

}  // namespace

int main() {
  every_register_comes_back();
  registers_too_wide_are_named();
  a_refused_set_changes_nothing();
  the_task_priority_keeps_its_low_bits();
  local_apics_are_checked();
  fpu_images_are_checked();
  private_sections_are_checked();
  older_private_sections_are_read();
  stale_translations_survive_a_save();
  setting_other_registers_keeps_the_tlb();
  a_restore_ends_the_instruction_in_flight();
  bad_options_are_refused();
  writes_outside_memory_are_nothing();
  hostile_states_do_no_harm();
  std::puts("state: ok");
  return 0;
}
