// SPDX-License-Identifier: BSD-2-Clause
// VM time, deadlines, wake() and the LAPIC timer. Nothing here depends on how fast the host is.
#include <unistd.h>

#include <thread>

#include "guest.h"

namespace test {

namespace {

constexpr std::initializer_list<int> loop = {0xeb, 0xfe};
constexpr std::int64_t millisecond = 1'000'000;

void wake() {
  Guest guest(loop);
  guest.engine->wake();
  CHECK_EQUAL(guest.run(), ExitKind::Woken);
  for (int i = 0; i < 20; i++) {
    std::thread other([&guest] { guest.engine->wake(); });
    CHECK_EQUAL(guest.run(), ExitKind::Woken);
    other.join();
  }
  // The vCPU may change its thread.
  std::thread runner([&guest] { CHECK_EQUAL(guest.run(), ExitKind::Woken); });
  guest.engine->wake();
  runner.join();
}

void deadline() {
  Guest guest(loop);
  for (int i = 0; i < 5; i++) {
    const std::int64_t until = guest.engine->time() + 6 * millisecond;
    CHECK_EQUAL(guest.run(until), ExitKind::Deadline);
    CHECK(guest.slot().time >= until);
  }
  Guest halted({0xfb, 0xf4});
  const std::int64_t until = halted.engine->time() + millisecond;
  CHECK_EQUAL(halted.run(until), ExitKind::Deadline);
}

/// What the guest reads with RDTSC lies between the VM times before and after, through pauses.
void tsc_follows_time() {
  Guest guest({0x0f, 0x31, 0x66, 0xa3, 0x00, 0x05, 0x66, 0x89, 0x16, 0x04,
               0x05,                      // rdtsc; mov [500h], eax; mov [504h], edx
               0xe6, 0x80, 0xeb, 0xf1});  // out 80h, al; jmp back
  const tsbhyve::kvm::Vm vm;
  const tsbhyve::kvm::Vcpu vcpu(vm, 0);
  const tsbhyve::kvm::Clock clock(vm, vcpu, 0);
  const bool moves_tsc = tsbhyve::kvm::GuestTsc(vcpu, clock).can_move();
  if (!moves_tsc) std::printf("not tested: this /dev/kvm does not move the guest's TSC\n");
  const double ticks_a_ns = static_cast<double>(tsbhyve::kvm::host_tsc_hz(vcpu)) / 1e9;
  for (int i = 0; i < 4; i++) {
    const std::int64_t before = guest.engine->time();
    CHECK_EQUAL(guest.run(), ExitKind::PortWrite);
    std::uint64_t tsc;
    __builtin_memcpy(&tsc, guest.ram() + 0x500, sizeof tsc);
    const double ns = static_cast<double>(tsc) / ticks_a_ns;
    constexpr double rounding = 100;
    CHECK(!moves_tsc || ns >= static_cast<double>(before) - rounding);
    CHECK(!moves_tsc || ns <= static_cast<double>(guest.slot().time) + rounding);
    guest.engine->hold_time(true);
    const std::int64_t held = guest.engine->time();
    usleep(3000);
    CHECK(guest.engine->time() == held);
    const std::int64_t wanted = i == 2 ? held + 1000 * millisecond : held;
    guest.engine->set_time(wanted);
    CHECK(guest.engine->time() == wanted);
    guest.engine->hold_time(false);
    CHECK(guest.engine->time() >= wanted);
  }
}

/// A one-shot count is held with VM time, and ends a halt.
void lapic_timer() {
  Guest guest({0xfb, 0xf4, 0xeb, 0xfd});
  guest.vector(0x50, 0x1100);
  guest.put(0x1100, {0xb0, 'T', 0xe6, 0x80, 0xcf});
  guest.engine->hold_time(true);
  auto rows = guest.vcpu().get_lapic();
  rows[index_of(tsbhyve::LapicRow::spurious)] = 0x1ff;
  rows[index_of(tsbhyve::LapicRow::lvt)] = 0x50;
  rows[index_of(tsbhyve::LapicRow::divide_configuration)] = 0xb;
  rows[index_of(tsbhyve::LapicRow::initial_count)] = 40 * millisecond;
  rows[index_of(tsbhyve::LapicRow::timer_running)] = 1;
  const std::int64_t start = guest.engine->time();
  rows[index_of(tsbhyve::LapicRow::timer_start)] = static_cast<std::uint64_t>(start - 10 * millisecond);
  guest.vcpu().set_lapic(rows);
  CHECK(guest.vcpu().get_lapic() == rows);
  usleep(50'000);  // longer than the count: it must stand still
  CHECK(guest.vcpu().get_lapic() == rows);
  guest.engine->hold_time(false);
  ExitKind kind = guest.run();
  while (kind == ExitKind::Hlt) {
    const std::int64_t next = guest.engine->next_deadline();
    CHECK(next == INT64_MAX || (next > start + 29 * millisecond && next < start + 31 * millisecond));
    kind = guest.run();
  }
  CHECK_EQUAL(kind, ExitKind::PortWrite);
  CHECK_EQUAL(guest.slot().data, 'T');
  CHECK(guest.slot().time >= start + 30 * millisecond);
}

}  // namespace

void time_cases() {
  wake();
  deadline();
  tsc_follows_time();
  lapic_timer();
}

}  // namespace test
