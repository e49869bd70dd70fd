// SPDX-License-Identifier: BSD-2-Clause
// Several vCPUs on threads: start-up, messages between them, sleep, locked operations, and moves to another machine.
#include <algorithm>

#include "../guest_code.h"
#include "guest.h"

namespace test {

namespace {

constexpr std::uint64_t second_code = 0x10000;
constexpr unsigned port = 0x80;

/// DS is the local APIC. Starts vCPU 1 at 1000h:0, and waits for ever.
#define STARTS_SECOND                                                            \
  "mov dword ptr ds:[0x310], 0x01000000\n"                                       \
  "mov dword ptr ds:[0x300], 0x00004500; mov dword ptr ds:[0x300], 0x00004610\n" \
  "mov al, 'B'; out 0x80, al; 1: hlt; jmp 1b"
/// So many ticks of the TSC, however fast the host is.
#define COMPUTES_FOR(ticks) "rdtsc; mov ecx, eax; 1: rdtsc; sub eax, ecx; cmp eax, " ticks "; jb 1b\n"

TEST_GUEST_CODE(starts_second, "16", STARTS_SECOND);
/// When the second one's thread has seen that it waits.
TEST_GUEST_CODE(starts_second_late, "16", COMPUTES_FOR("0x20000000") STARTS_SECOND);
TEST_GUEST_CODE(prints_a, "16", R"(
  mov al, 'A'
  out 0x80, al
1: hlt
  jmp 1b
)");

/// Without an exit for much longer than it takes to see that the first one sleeps for ever.
TEST_GUEST_CODE(computes_and_prints_a, "16", COMPUTES_FOR("0x40000000") R"(
  mov al, 'A'
  out 0x80, al
1: hlt
  jmp 1b
)");

void apic_in_ds(Guest& guest, unsigned vcpu = 0) { guest.set(Register::ds_base, 0xfee00000, vcpu); }

std::unique_ptr<Guest> with_second(std::span<const std::uint8_t> first, std::span<const std::uint8_t> second) {
  auto guest = std::make_unique<Guest>(std::initializer_list<int>{}, Setting{.vcpus = 2});
  guest->put(code_address, first);
  guest->put(second_code, second);
  guest->enable_lapic();
  apic_in_ds(*guest);
  return guest;
}

/// What both write to the port, in whatever order.
std::string printed(Guest& guest, std::size_t length) {
  std::string text;
  while (text.size() < length && guest.run() == ExitKind::PortWrite) {
    CHECK_EQUAL(guest.slot().address, port);
    text += static_cast<char>(guest.slot().data);
  }
  return text;
}

/// The kernel does not tell that it has started one.
void one_that_computes_is_not_dead() {
  const auto machine = with_second(starts_second_late, computes_and_prints_a);
  CHECK(printed(*machine, 2) == "BA");
  CHECK_EQUAL(machine->run(), ExitKind::Hlt);
}

/// It would come after the start.
void no_nmi_before_the_start() {
  const auto machine = with_second(starts_second, prints_a);
  Guest& guest = *machine;
  guest.vcpu(1).inject_nmi();
  CHECK_EQUAL(guest.get(Register::nmi_pending, 1), 0);
}

void start_up() {
  const auto machine = with_second(starts_second, prints_a);
  Guest& guest = *machine;
  CHECK_EQUAL(guest.get(Register::run_state, 1), 2);
  const std::string text = printed(guest, 2);
  CHECK(text == "AB" || text == "BA");
  // Both halt with interrupts off, for ever.
  CHECK_EQUAL(guest.run(), ExitKind::Hlt);
  CHECK_EQUAL(guest.slot().detail, 1);
  CHECK_EQUAL(guest.safepoint(), ExitKind::None);
  CHECK_EQUAL(guest.get(Register::run_state, 0), 1);
  CHECK_EQUAL(guest.get(Register::run_state, 1), 1);
  CHECK_EQUAL(guest.get(Register::cs_base, 1), second_code);
  guest.vcpu(1).inject_nmi();
  guest.vector(2, 0x1100);
  guest.put(0x1100, {0xb0, 'N', 0xe6, 0x80, 0xcf});
  guest.expect_out(port, 'N');
  CHECK_EQUAL(guest.exited, 1);
  guest.engine->reset();
  CHECK_EQUAL(guest.get(Register::run_state, 0), 0);
  CHECK_EQUAL(guest.get(Register::rip, 0), 0xfff0);
  CHECK_EQUAL(guest.get(Register::run_state, 1), 2);
}

TEST_GUEST_CODE(waits_for_message, "16", R"(
  mov dword ptr ds:[0xf0], 0x1ff
  sti
  mov al, 'A'
  out 0x80, al
1: hlt
  jmp 1b
)");
TEST_GUEST_CODE(sleeps, "16", R"(
  sti
1: hlt
  jmp 1b
)");
/// In the handler, so that nothing is between a look at what has come and the sleep.
TEST_GUEST_CODE(passes_on, "16", R"(
  mov dword ptr ds:[0xb0], 0
  mov dword ptr ds:[0x310], 0x01000000
  mov dword ptr ds:[0x300], 0x00004041
  iret
)");

/// From the devices to the first, from there to the second.
void messages() {
  Guest guest({}, {.vcpus = 2});
  guest.put(code_address, sleeps);
  guest.put(second_code, waits_for_message);
  for (const unsigned index : {0u, 1u}) {
    guest.enable_lapic(index);
    apic_in_ds(guest, index);
  }
  guest.vector(0x40, 0x1100);
  guest.put(0x1100, passes_on);
  guest.vector(0x41, 0x1200);
  // xor eax, eax; mov [0b0h], eax: EOI; mov al, 'M'; out 80h, al; iret
  guest.put(0x1200, {0x66, 0x31, 0xc0, 0x66, 0xa3, 0xb0, 0x00, 0xb0, 'M', 0xe6, 0x80, 0xcf});
  std::vector<std::uint64_t> second = guest.registers(1);
  second[index_of(Register::run_state)] = 0;
  second[index_of(Register::cs_selector)] = second_code >> 4;
  second[index_of(Register::cs_base)] = second_code;
  second[index_of(Register::rip)] = 0;
  second[index_of(Register::rsp)] = 0x9000;
  second[index_of(Register::ss_base)] = second[index_of(Register::ss_selector)] = 0;
  guest.set_registers(second, 1);
  guest.expect_out(port, 'A');
  for (int i = 0; i < 20; i++) {
    if (i % 5 == 0) {
      CHECK_EQUAL(guest.run(), ExitKind::Hlt);
      CHECK_EQUAL(guest.slot().detail, 0);
    }
    guest.engine->send_msi(0xfee00000, 0x40);
    guest.expect_out(port, 'M');
    CHECK_EQUAL(guest.exited, 1);
    if (i % 3 == 0) CHECK_EQUAL(guest.safepoint(), ExitKind::None);
  }
}

TEST_GUEST_CODE(counts, "16", R"(
  mov ecx, 20000
1: lock inc dword ptr es:[0x500]
  dec ecx
  jnz 1b
  mov al, 'E'
  out 0x80, al
2: hlt
  jmp 2b
)");
TEST_GUEST_CODE(counts_with_second, "16", R"(
  mov dword ptr ds:[0x310], 0x01000000
  mov dword ptr ds:[0x300], 0x00004500
  mov dword ptr ds:[0x300], 0x00004610
  mov ecx, 20000
1: lock inc dword ptr es:[0x500]
  dec ecx
  jnz 1b
  mov al, 'E'
  out 0x80, al
2: hlt
  jmp 2b
)");

std::uint32_t word(Guest& guest, std::uint64_t at) {
  std::uint32_t value;
  __builtin_memcpy(&value, guest.ram() + at, sizeof value);
  return value;
}

/// In the middle of it the machine goes to another one, several times.
void counting(bool moving) {
  auto guest = with_second(counts_with_second, counts);
  unsigned ends = 0, moves = 0;
  while (ends < 2) {
    const ExitKind kind = guest->run(guest->engine->time() + 3'000'000);
    if (kind == ExitKind::PortWrite && guest->slot().data == 'E') ends++;
    if (!moving || kind != ExitKind::Deadline || moves == 10) continue;
    moves++;
    while (guest->safepoint() == ExitKind::PortWrite) ends++;
    guest = moved(*guest, {.vcpus = 2});
  }
  CHECK_EQUAL(word(*guest, 0x500), 40'000);
  CHECK(!moving || moves > 0);
}

/// A machine can end at any moment.
void close_at_once() {
  for (int i = 0; i < 10; i++) {
    const auto guest = with_second(counts_with_second, counts);
    if (i % 3 != 0) guest->run(guest->engine->time() + i * 200'000);
  }
}

void wake_and_deadline() {
  const auto machine = with_second(starts_second, counts);
  Guest& guest = *machine;
  CHECK_EQUAL(printed(guest, 1).size(), 1);
  guest.engine->wake();
  CHECK_EQUAL(guest.run(), ExitKind::Woken);
  const std::int64_t until = guest.engine->time() + 6'000'000;
  ExitKind kind = guest.run(until);
  while (kind == ExitKind::PortWrite || kind == ExitKind::Hlt) kind = guest.run(until);
  CHECK_EQUAL(kind, ExitKind::Deadline);
  CHECK(guest.engine->time() >= until);
}

/// What both wrote is in the log of that time.
void dirty_log() {
  Guest guest({}, {.vcpus = 2});
  guest.put(code_address, {0xc6, 0x06, 0x00, 0x50, 0x01, 0xe6, 0x80, 0xf4});  // mov byte [5000h], 1; out 80h, al; hlt
  guest.put(second_code, {0x26, 0xc6, 0x06, 0x00, 0x60, 0x01, 0xe6, 0x81, 0xf4});
  std::vector<std::uint64_t> second = guest.registers(0);
  second[index_of(Register::cs_selector)] = second_code >> 4;
  second[index_of(Register::cs_base)] = second_code;
  second[index_of(Register::rip)] = 0;
  guest.set_registers(second, 1);
  unsigned client;
  guest.engine->stand();
  CHECK(guest.memory.open_client(client));
  guest.engine->dirty_log_taken();
  for (int i = 0; i < 2; i++) CHECK_EQUAL(guest.run(), ExitKind::PortWrite);
  CHECK_EQUAL(guest.safepoint(), ExitKind::None);
  std::uint8_t bitmap[8] = {};
  guest.memory.take(client, bitmap);
  CHECK_EQUAL(bitmap[0] & 0xf0, 0x60);
}

}  // namespace

void smp_cases() {
  usually_crew = false;
  start_up();
  one_that_computes_is_not_dead();
  no_nmi_before_the_start();
  messages();
  counting(false);
  counting(true);
  close_at_once();
  wake_and_deadline();
  dirty_log();
}

}  // namespace test
