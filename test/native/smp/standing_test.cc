// SPDX-License-Identifier: BSD-2-Clause
// What the machine's thread does to vCPUs that run at the same time, and to those that have not looked at their mail.
#include <thread>

#include "smp_guest.h"

using namespace tsbhyve;
using namespace tsbhyve::test;

namespace {

SMP_GUEST_CODE(counting_on, R"(
1:
  inc qword ptr [rbx + rdi * 8]
  jmp 1b
)");

/// They read the time whenever they like.
void nobody_runs_while_time_is_changed() {
  SmpGuest guest(2, counting_on, 1, Tier::Handlers);
  const auto both_count = [&guest] { return guest.word(data_at) > 0 && guest.word(data_at + 8) > 0; };
  const auto require_standing = [&guest](const char* what) {
    const std::uint64_t first = guest.word(data_at), second = guest.word(data_at + 8);
    for (int turn = 0; turn < 200; turn++) std::this_thread::yield();
    require(guest.word(data_at) == first && guest.word(data_at + 8) == second, what);
  };
  while (!both_count()) guest.step(1'000'000);
  guest.engine->set_time(guest.engine->time());
  require_standing("time is set while all stand");
  guest.step(1'000'000);
  guest.engine->hold_time(true);
  require_standing("time is held while all stand");
}

/// The 8259s tell of a level once. A reset of the processors is none of the 8259s.
void a_reset_keeps_the_level_of_intr() {
  SmpGuest guest(2, counting_on, 1, Tier::Handlers);
  const auto intr = [&guest] {
    std::vector<std::uint64_t> values(register_count);
    guest.engine->vcpu(1).get_registers(RegisterGroup::Events, values);
    return values[static_cast<std::size_t>(Register::external_interrupt)];
  };
  for (const bool level : {true, false, true}) {
    guest.engine->set_external_interrupt(level);
    guest.engine->reset();
    require(intr() == level, "the level is the last that was told");
  }
}

}  // namespace

int main() {
  nobody_runs_while_time_is_changed();
  a_reset_keeps_the_level_of_intr();
}
