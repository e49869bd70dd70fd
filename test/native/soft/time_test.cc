// SPDX-License-Identifier: BSD-2-Clause
// VM time and instruction counts: exact, without overflow, and never standing still for ever.
#include <unistd.h>

#include "engine/lapic_state.h"
#include "flat_guest.h"

using namespace tsbhyve;
using tsbhyve::soft::VmTime;
using tsbhyve::test::FlatGuest;
using tsbhyve::test::Guest;
using tsbhyve::test::require;

namespace {

constexpr unsigned seconds_until_hung = 20;

void deadlines_are_met_at_the_first_instruction() {
  struct Rate {
    std::uint32_t numerator, denominator;
  };
  for (const Rate rate :
       {Rate{1, 1}, Rate{3, 7}, Rate{7, 3}, Rate{1000, 1}, Rate{1, 1000}, Rate{5, 5}, Rate{0xffffffff, 2}}) {
    VmTime time(true, rate.numerator, rate.denominator);
    time.set(12345, 17);
    for (std::uint64_t retired = 17; retired < 400; retired += 9) {
      for (std::uint64_t deadline = 12340; deadline < 13000; deadline += 7) {
        const std::uint64_t count = time.instructions_until(deadline, retired);
        require(time.at(retired + count) >= deadline, "the deadline is reached");
        require(count == 0 || time.at(retired + count - 1) < deadline, "not an instruction too late");
      }
    }
  }
}

void a_deadline_out_of_reach_is_never_near() {
  const VmTime time(true, 1, 0xffffffff);
  require(time.instructions_until(INT64_MAX, 0) == ~std::uint64_t{0}, "more instructions than a u64 counts");
}

void setting_the_time_to_itself_keeps_the_fraction() {
  VmTime time(true, 1, 3);
  time.set(100, 0);
  time.set(time.at(2), 2);  // two thirds of a nanosecond on
  require(time.at(3) == 101, "the third instruction completes the nanosecond");
}

void impossible_clocks_are_told_apart() {
  const VmTime time(true, 1, 3);
  require(time.is_possible({5, 2, 2}, 10), "a clock in the middle of a nanosecond");
  require(!time.is_possible({5, 2, 3}, 10), "a whole nanosecond is no remainder");
  require(!time.is_possible({5, 11, 0}, 10), "time cannot have been set in the future");
  require(!time.is_possible({~std::uint64_t{0}, 0, 0}, 10), "beyond every VM time");
  require(!time.is_possible({0, 0, 0}, ~std::uint64_t{0}), "beyond every instruction count");
}

void a_negative_deadline_has_passed() {
  Guest guest({0xeb, 0xfe});  // jmp $
  require(guest.run(-1) == ExitKind::Deadline && guest.vcpu->instructions() == 0, "nothing runs");
}

void a_guest_that_only_faults_still_spends_time() {
  // UD2 whose handler is UD2; the stack wraps in a segment of its own. The processor never retires an instruction.
  Guest guest({0x0f, 0x0b});
  guest.write(6 * 4, {0x00, 0x06, 0x00, 0x00});
  guest.write(0x600, {0x0f, 0x0b});
  guest.set(Register::ss_base, 0x20000);
  require(guest.run(1000) == ExitKind::Deadline, "run() comes back at its deadline");
  require(guest.vcpu->instructions() == 1000, "every exception counts as one instruction");
}

void a_tiny_period_does_not_hang() {
  Guest guest({0xeb, 0xfe});
  auto apic = guest.vcpu->get_lapic();
  const auto put = [&apic](LapicRow row, std::uint64_t value) { apic[static_cast<std::size_t>(row)] = value; };
  put(LapicRow::spurious, 0x1ff);
  put(LapicRow::lvt, 0x20040);  // periodic, vector 40h
  put(LapicRow::initial_count, 1);
  put(LapicRow::divide_configuration, 0xb);  // by 1: every nanosecond
  put(LapicRow::timer_running, 1);
  guest.vcpu->set_lapic(apic);
  require(guest.run(5000) == ExitKind::Deadline && guest.vcpu->instructions() == 5000, "5000 periods go by");
}

void real_time_moves_only_while_not_held() {
  VmTime time(false, 1, 1);
  time.set(1'000'000'000, 0);
  require(time.at(0) == 1'000'000'000 && time.at(0) == 1'000'000'000, "a new machine's time is held");
  time.hold(false);
  const std::uint64_t first = time.at(0);
  require(first >= 1'000'000'000 && time.at(0) >= first, "time goes on from there and never back");
  time.hold(true);
  const std::uint64_t held = time.at(0);
  require(held >= first && time.at(0) == held, "held again");
}

}  // namespace

int main() {
  alarm(seconds_until_hung);
  deadlines_are_met_at_the_first_instruction();
  a_deadline_out_of_reach_is_never_near();
  setting_the_time_to_itself_keeps_the_fraction();
  impossible_clocks_are_told_apart();
  a_negative_deadline_has_passed();
  a_guest_that_only_faults_still_spends_time();
  a_tiny_period_does_not_hang();
  real_time_moves_only_while_not_held();
  std::puts("time: ok");
  return 0;
}
