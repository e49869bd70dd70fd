// SPDX-License-Identifier: BSD-2-Clause
#include "cores.h"

namespace imitation {

using tsbhyve::ExitKind;
using tsbhyve::soft::Cpu;
using tsbhyve::soft::RunState;
using tsbhyve::soft::SoftVcpu;

namespace {
/// Instructions: short, for others wait meanwhile.
constexpr std::uint64_t slice = 20'000;
}  // namespace

Cores::Cores(tsbhyve::GuestRam* ram, const tsbhyve::EngineOptions& options) : ram_(ram), time_(false, 1, 1) {
  for (std::uint32_t index = 0; index < options.vcpus; index++)
    cores_.push_back(std::make_unique<SoftVcpu>(index, ram, options, tsbhyve::soft::Shared{time_, bus_, nullptr}));
  for (const auto& core : cores_) {
    std::vector<Cpu*> others;
    for (const auto& other : cores_) {
      if (other != core) others.push_back(other->cpu());
    }
    core->set_others(std::move(others));
  }
  reset();
  time_.hold(false);  // a kernel's clocks never stand still
}

/// None may look at another's caches when those are no more.
Cores::~Cores() {
  for (const auto& core : cores_) core->set_others({});
}

void Cores::reset() {
  for (const auto& core : cores_) {
    core->reset();
    core->cpu()->run_state = RunState::Running;
  }
}

ExitKind Cores::run(std::uint32_t index, std::int64_t deadline) {
  SoftVcpu& core = *cores_[index];
  core.take_answer();
  const std::uint64_t end = core.retired() + slice;
  for (;;) {
    if (core.leaves_for_eoi()) return core.leave(ExitKind::Eoi).kind;
    core.apic().advance(static_cast<std::uint64_t>(now()));
    if (!core.in_flight() && now() >= deadline) return core.leave(ExitKind::Deadline).kind;
    if (core.retired() >= end) return core.leave(ExitKind::None).kind;
    core.set_budget(end - core.retired());
    if (const ExitKind kind = core.execute(); kind != ExitKind::None) return core.leave(kind).kind;
  }
}

void Cores::set_external_interrupt(bool level) {
  for (const auto& core : cores_) core->set_external_interrupt(level);
}

void Cores::memory_written(std::uint64_t physical, std::uint64_t length) {
  ram_->for_each_part(physical, length, [this](std::uint64_t start, std::uint64_t size) {
    for (const auto& core : cores_) core->blocks().written(start, size);
  });
}

}  // namespace imitation
