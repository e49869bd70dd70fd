// SPDX-License-Identifier: BSD-2-Clause
// The crew brought to a stand: safepoints, standing, running alone, and the end at any moment.
#include <array>

#include "script.h"

using namespace tsbhyve;
using namespace tsbhyve::test;

namespace {

/// An instruction with two accesses: `slot` counts the answers that it has had.
CrewStop two_accesses(Scripted& self) {
  if (self.slot == 2) {
    self.slot = 0;
    self.count++;
    if (self.kicked) return CrewStop::Again;
  }
  return CrewStop::Exit;
}

void safepoints_finish_instructions() {
  ScriptedCrew crew(3, two_accesses);
  for (unsigned round = 0; round < 300; round++) {
    for (unsigned exits = 0; exits < round % 7; exits++) crew[crew.expect(CrewNews::Exit, "an exit")].slot++;
    for (;;) {
      const CrewReport report = crew.crew->safepoint();
      if (report.news == CrewNews::Parked) break;
      require(report.news == CrewNews::Exit, "exits come until all are parked");
      crew[report.member].slot++;
    }
    for (const auto& member : crew.owned) require(member->slot == 0, "no vCPU is inside an instruction");
    require(crew.crew->safepoint().news == CrewNews::Parked, "and there they stay");
  }
}

void parked_members_stand_still() {
  ScriptedCrew crew(4, [](Scripted& self) {
    self.count++;
    return CrewStop::Again;
  });
  for (int round = 0; round < 100; round++) {
    require(crew.crew->run(CrewClock::now()).news == CrewNews::TimedOut, "they run");
    require(crew.crew->safepoint().news == CrewNews::Parked, "they are parked");
    std::array<std::uint64_t, 4> counts{};
    for (unsigned index = 0; index < 4; index++) counts[index] = crew[index].count++;
    for (int turn = 0; turn < 20; turn++) std::this_thread::yield();
    for (unsigned index = 0; index < 4; index++) require(crew[index].count == counts[index] + 1, "nothing moves");
  }
}

/// What the machine's thread does to a sleeper meanwhile may be a reason for it to run.
void sleepers_look_again_after_parking() {
  ScriptedCrew crew(2, [](Scripted& self) { return self.slot == 7 ? CrewStop::Exit : CrewStop::Dead; });
  crew.expect(CrewNews::AllDead, "all sleep");
  require(crew.crew->safepoint().news == CrewNews::Parked, "they are parked");
  crew[1].slot = 7;
  require(crew.expect(CrewNews::Exit, "one has something to do") == 1, "the right one");
}

void exits_can_be_forgotten() {
  ScriptedCrew crew(3, [](Scripted& self) {
    self.count++;
    return CrewStop::Exit;
  });
  for (int round = 0; round < 200; round++) {
    crew.expect(CrewNews::Exit, "an exit that is never answered");
    crew.crew->forget_exits();
    for (unsigned index = 0; index < 3; index++) crew[index].count = 0;
    require(crew.crew->safepoint().news == CrewNews::Parked, "nothing is left to be finished");
    const unsigned member = crew.expect(CrewNews::Exit, "they begin anew");
    require(crew[member].count == 1, "with their next instruction");
  }
}

void exits_that_wait_are_known() {
  ScriptedCrew crew(2, [](Scripted& self) {
    if (self.index == 0) return CrewStop::Dead;
    Scripted::spin_until_kicked(self);
    return CrewStop::Exit;
  });
  crew.crew->stand();
  require(!crew.crew->has_exits(), "none has run");
  while (!crew.crew->has_exits()) {
    crew.crew->run(CrewClock::now());
    crew.crew->stand();
  }
  require(crew.expect(CrewNews::Exit, "it is told later") == 1, "the one that had it");
  require(!crew.crew->has_exits(), "and no longer waits");
}

void standing_keeps_exits() {
  ScriptedCrew crew(3, two_accesses);
  std::uint64_t answers = 0;
  for (unsigned round = 0; round < 300; round++) {
    const CrewReport report = round % 5 == 4 ? crew.crew->safepoint() : crew.run();
    if (report.news == CrewNews::Parked) continue;
    crew.crew->stand();
    std::uint64_t sum = 0;
    for (const auto& member : crew.owned) sum += 2 * member->count + member->slot;
    require(sum == answers, "those that stand have had every answer but the last one");
    answers++;
    crew[report.member].slot++;
  }
}

/// One that waits for others must find them running, though they were let run a moment ago only.
void those_waited_for_run_before_parking() {
  std::atomic<bool> inside = false;
  std::atomic<std::uint64_t> looks = 0;
  ScriptedCrew crew(2, [&](Scripted& self) {
    if (self.index == 1) {
      // In this order: whoever sees its kick has not missed one that went inside before that.
      while (!self.kicked || inside) {
        looks++;
        std::this_thread::yield();
      }
      return CrewStop::Again;
    }
    inside = true;
    if (!self.kicked) {
      const std::uint64_t seen = looks;
      while (looks == seen) std::this_thread::yield();
    }
    inside = false;
    return CrewStop::Again;
  });
  for (const auto& member : crew.owned) member->waited_for = true;
  for (int round = 0; round < 300; round++) {
    require(crew.crew->run(CrewClock::now()).news == CrewNews::TimedOut, "they run");
    require(crew.crew->safepoint().news == CrewNews::Parked, "and are parked, whoever waits for whom");
  }
}

/// Also those that were in their run all along: they have not seen what the others have done since.
void those_waited_for_run_once_more() {
  std::atomic<bool> began = false, may_end = false;
  ScriptedCrew crew(2, [&](Scripted& self) {
    const std::uint64_t runs = ++self.count;
    if (self.index == 0) {
      if (runs < 4) return CrewStop::Exit;
      may_end = true;
      return CrewStop::Again;
    }
    began = true;
    if (runs > 1) Scripted::spin_until_kicked(self);
    while (!may_end) std::this_thread::yield();
    return CrewStop::Again;
  });
  crew[1].waited_for = true;
  crew.expect(CrewNews::Exit, "all run");
  while (!began) std::this_thread::yield();
  require(crew.crew->safepoint().news == CrewNews::Exit, "a safepoint is broken off");
  crew.expect(CrewNews::Exit, "all run on");
  require(crew.crew->safepoint().news == CrewNews::Parked, "the next one is not");
  require(crew[1].count == 2, "before that one, who was kicked for the first has run again");
}

/// Plain counters, which only those that are alone touch.
void running_alone_excludes_others() {
  constexpr unsigned size = 4;
  constexpr std::uint64_t turns = 500;
  std::uint64_t shared = 0;
  ScriptedCrew crew(size, [](Scripted& self) { return self.count == turns ? CrewStop::Dead : CrewStop::Alone; });
  for (unsigned index = 0; index < size; index++) {
    crew[index].script_alone = [&shared](Scripted& self) {
      shared++;
      self.count++;
      return self.count % 50 == 0 ? CrewStop::Exit : CrewStop::Again;
    };
  }
  unsigned exits = 0;
  for (CrewReport report = crew.run(); report.news != CrewNews::AllDead; report = crew.run()) {
    exits++;
    if (exits % 3 == 0) {
      while (crew.crew->safepoint().news == CrewNews::Exit) exits++;
      require(shared <= size * turns, "nobody runs while all are parked");
    }
  }
  require(exits == size * turns / 50 && shared == size * turns, "all had their turns, and their exits came");
}

void ends_at_any_moment() {
  for (unsigned round = 0; round < 300; round++) {
    ScriptedCrew crew(1 + round % 5, [round](Scripted& self) {
      self.count++;
      switch ((self.count + self.index + round) % 5) {
        case 0: return CrewStop::Exit;
        case 1: return CrewStop::Idle;
        case 2: return CrewStop::Alone;
        case 3: return CrewStop::Dead;
        default: return CrewStop::Again;
      }
    });
    for (unsigned step = 0; step < round % 4; step++) crew.crew->run(CrewClock::now());
    if (round % 11 == 0) crew.crew->safepoint();
    if (round % 13 == 0) crew.crew->forget_exits();
  }
}

}  // namespace

int main() {
  safepoints_finish_instructions();
  parked_members_stand_still();
  sleepers_look_again_after_parking();
  exits_can_be_forgotten();
  exits_that_wait_are_known();
  standing_keeps_exits();
  those_waited_for_run_before_parking();
  those_waited_for_run_once_more();
  running_alone_excludes_others();
  ends_at_any_moment();
}
