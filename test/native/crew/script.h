// SPDX-License-Identifier: BSD-2-Clause
// Crew members that do what a test tells them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../check.h"
#include "engine/crew.h"

namespace tsbhyve::test {

using ::test::require;

class Scripted final : public CrewMember {
 public:
  using Script = std::function<CrewStop(Scripted&)>;

  CrewStop run() override {
    require(!alone_, "nobody runs beside one that is alone");
    inside_++;
    const CrewStop stop = script(*this);
    kicked = false;
    inside_--;
    return stop;
  }
  CrewStop run_alone() override {
    require(inside_ == 0, "one that is alone runs beside nobody");
    alone_ = true;
    const CrewStop stop = script_alone(*this);
    alone_ = false;
    return stop;
  }
  void kick() override { kicked = true; }
  bool is_waited_for() const override { return waited_for; }
  CrewClock::time_point idle_until() const override { return until; }

  Script script = [](Scripted&) { return CrewStop::Dead; };
  Script script_alone = [](Scripted&) { return CrewStop::Again; };
  unsigned index = 0;
  bool waited_for = false;
  std::uint64_t slot = 0;   // what it asks, and what it is answered
  std::uint64_t count = 0;  // for the script
  std::atomic<bool> kicked = false;
  CrewClock::time_point until = CrewClock::time_point::max();

  static void spin_until_kicked(const Scripted& self) {
    while (!self.kicked) std::this_thread::yield();
  }

 private:
  inline static std::atomic<int> inside_ = 0;
  inline static std::atomic<bool> alone_ = false;
};

/// A crew of `size`, all with one script.
class ScriptedCrew {
 public:
  explicit ScriptedCrew(
      unsigned size, Scripted::Script script, std::function<void()> on_news = [] {}, std::vector<int> host_cpus = {}) {
    std::vector<CrewMember*> members;
    for (unsigned index = 0; index < size; index++) {
      auto member = std::make_unique<Scripted>();
      member->index = index;
      member->script = script;
      members.push_back(member.get());
      owned.push_back(std::move(member));
    }
    crew = std::make_unique<Crew>(std::move(members), std::move(on_news), std::move(host_cpus));
  }
  ~ScriptedCrew() { crew.reset(); }  // before its members
  ScriptedCrew(const ScriptedCrew&) = delete;
  ScriptedCrew& operator=(const ScriptedCrew&) = delete;

  Scripted& operator[](unsigned index) { return *owned[index]; }
  CrewReport run() { return crew->run(CrewClock::time_point::max()); }
  /// The next report, which has to be of this kind.
  unsigned expect(CrewNews news, const std::string& what) {
    const CrewReport report = run();
    require(report.news == news, what);
    return report.member;
  }

  std::vector<std::unique_ptr<Scripted>> owned;
  std::unique_ptr<Crew> crew;
};

}  // namespace tsbhyve::test
