// SPDX-License-Identifier: BSD-2-Clause
// The crew: exits one at a time, sleep, wakes and times. No test waits for a fixed time.
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "engine/engine.h"
#include "script.h"

using namespace tsbhyve;
using namespace tsbhyve::test;

namespace {

/// Every member asks `questions` times and checks each answer; then it is dead.
Scripted::Script asks(std::uint64_t questions) {
  return [questions](Scripted& self) {
    if (self.count > 0) require(self.slot == (self.count * 1000 + self.index) * 3, "each gets its own answer");
    if (self.count == questions) return CrewStop::Dead;
    self.slot = ++self.count * 1000 + self.index;
    return CrewStop::Exit;
  };
}

void exits_come_one_at_a_time() {
  constexpr unsigned size = 4;
  constexpr std::uint64_t questions = 3000;
  ScriptedCrew crew(size, asks(questions));
  std::array<std::uint64_t, size> seen{};
  for (std::uint64_t total = 0; total < size * questions; total++) {
    Scripted& member = crew[crew.expect(CrewNews::Exit, "an exit")];
    require(member.slot == ++seen[member.index] * 1000 + member.index, "in the order they were asked");
    member.slot *= 3;
  }
  crew.expect(CrewNews::AllDead, "and then nothing more");
  crew.expect(CrewNews::AllDead, "for ever");
}

void deadlines_come() {
  ScriptedCrew crew(3, [](Scripted& self) {
    Scripted::spin_until_kicked(self);
    return CrewStop::Again;
  });
  const auto until = CrewClock::now() + std::chrono::milliseconds(3);
  require(crew.crew->run(until).news == CrewNews::TimedOut, "the time comes");
  require(CrewClock::now() >= until, "and not before");
  require(crew.crew->run(until).news == CrewNews::TimedOut, "a time that has passed is told at once");
}

void deadlines_come_through_exits() {
  ScriptedCrew crew(2, [](Scripted&) { return CrewStop::Exit; });
  for (int exits = 0; exits < 100; exits++) crew.expect(CrewNews::Exit, "one exit after the other");
  require(crew.crew->run(CrewClock::now()).news == CrewNews::TimedOut, "the time is told in their midst");
}

void wakes_end_the_run() {
  ScriptedCrew crew(2, [](Scripted& self) {
    Scripted::spin_until_kicked(self);
    return CrewStop::Again;
  });
  for (int round = 0; round < 200; round++) {
    std::thread waker([&crew] { crew.crew->wake(); });
    crew.expect(CrewNews::Woken, "a wake ends the run");
    waker.join();
  }
  crew.crew->wake();
  crew.expect(CrewNews::Woken, "a wake before the run ends it");
}

void sleepers_are_roused() {
  ScriptedCrew crew(3, [](Scripted& self) { return self.count++ == 0 ? CrewStop::Idle : CrewStop::Exit; });
  crew.expect(CrewNews::AllIdle, "all sleep");
  crew.expect(CrewNews::AllIdle, "and still");
  crew.crew->rouse(1);
  require(crew.expect(CrewNews::Exit, "one wakes") == 1, "the right one");
}

void sleepers_have_timers() {
  ScriptedCrew crew(2, [](Scripted& self) {
    if (self.index == 1) return CrewStop::Dead;
    self.until = CrewClock::now() + std::chrono::microseconds(200);
    return ++self.count == 50 ? CrewStop::Exit : CrewStop::Idle;
  });
  for (;;) {
    const CrewReport report = crew.run();
    if (report.news == CrewNews::Exit) break;
    require(report.news == CrewNews::AllIdle, "one that has a timer is not dead");
  }
  require(crew[0].count == 50, "it woke by itself each time");
}

/// A message goes round; whoever has it not sleeps. A lost wake would end this in AllDead.
void no_rousing_is_lost() {
  constexpr unsigned size = 4;
  constexpr std::uint32_t rounds = 5000;
  std::atomic<std::uint32_t> message = 0;
  Crew* crew_of_all = nullptr;
  ScriptedCrew crew(size, [&](Scripted& self) {
    const std::uint32_t now = message;
    if (now % size != self.index) return CrewStop::Dead;
    if (now >= rounds) return CrewStop::Exit;
    message = now + 1;
    crew_of_all->rouse((self.index + 1) % size);
    return CrewStop::Dead;
  });
  crew_of_all = crew.crew.get();
  crew.expect(CrewNews::Exit, "the message arrives");
  require(message == rounds, "after all rounds");
}

void news_reaches_a_thread_that_sleeps_elsewhere() {
  std::atomic<int> told = 0;
  ScriptedCrew crew(
      1, [](Scripted& self) { return self.count++ == 0 ? CrewStop::Idle : CrewStop::Exit; }, [&told] { told++; });
  crew.expect(CrewNews::AllIdle, "it sleeps");
  require(told == 0, "which is no news");
  crew.crew->rouse(0);
  while (told == 0) std::this_thread::yield();
  crew.expect(CrewNews::Exit, "the exit waits there");
}

void failures_come_out() {
  ScriptedCrew crew(2, [](Scripted& self) -> CrewStop {
    if (self.index == 1) throw EngineError{5, "KVM_RUN", ""};
    Scripted::spin_until_kicked(self);
    return CrewStop::Again;
  });
  bool failed = false;
  try {
    crew.run();
  } catch (const EngineError& error) {
    failed = error.number == 5;
  }
  require(failed, "what a vCPU throws is thrown by run()");
  require(crew.crew->safepoint().news == CrewNews::Parked, "and the others can be parked");
}

#if defined(__linux__)
void members_are_pinned() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  require(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
  int last = CPU_SETSIZE - 1;
  while (!CPU_ISSET(static_cast<unsigned>(last), &allowed)) last--;
  const auto script = [](Scripted& self) {
    self.slot = static_cast<std::uint64_t>(sched_getcpu());
    return CrewStop::Exit;
  };
  ScriptedCrew crew(1, script, [] {}, {last});
  crew.expect(CrewNews::Exit, "it runs");
  require(crew[0].slot == static_cast<std::uint64_t>(last), "where it was told");
  for (const int nowhere : {CPU_SETSIZE, 1'000'000}) {
    ScriptedCrew refused(1, script, [] {}, {nowhere});
    bool failed = false;
    try {
      refused.run();
    } catch (const EngineError& error) {
      failed = error.message == "cannot pin a vCPU to host processor " + std::to_string(nowhere);
    }
    require(failed, "a processor that is not there is refused by name");
  }
}
#endif

}  // namespace

int main() {
  exits_come_one_at_a_time();
  deadlines_come();
  deadlines_come_through_exits();
  wakes_end_the_run();
  sleepers_are_roused();
  sleepers_have_timers();
  no_rousing_is_lost();
  news_reaches_a_thread_that_sleeps_elsewhere();
  failures_come_out();
#if defined(__linux__)
  members_are_pinned();
#endif
}
