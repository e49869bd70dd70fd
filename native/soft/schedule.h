// SPDX-License-Identifier: BSD-2-Clause
// Who runs when: the vCPUs of one machine, what they share, and how a call of run() is divided among them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "soft/perf_map.h"
#include "soft/soft_vcpu.h"
#include "soft/threads/doorbells.h"

namespace tsbhyve::soft {

/// Instructions. Long enough that nobody waits for a lock much longer than for a cache line, and short beside any
/// timer.
inline constexpr u64 turn_length = 20'000;

/// In whose turn the machine is, and how many instructions that turn has left.
struct Turn {
  u32 vcpu = 0;
  u64 left = 0;
};

struct Processors {
  Processors(GuestRam* ram, const EngineOptions& options);
  ~Processors();

  VmTime time;
  InterruptBus bus;
  std::unique_ptr<PerfMap> perf_map;
  std::vector<std::unique_ptr<SoftVcpu>> vcpus;
  std::atomic<bool> woken = false;
  bool at_once = false;  // each on a thread of its own, else in turns

  /// Of all vCPUs together. Only while none runs.
  u64 retired() const {
    u64 total = 0;
    for (const auto& vcpu : vcpus) total += vcpu->retired();
    return total;
  }
};

/// Soft engines differ in this and in nothing else: one vCPU (alone.h), several that take turns (turns.h), or several
/// on threads of their own (threads/threads.h).
class Schedule {
 public:
  virtual ~Schedule() = default;
  virtual Exit run(u64 deadline) = 0;
  virtual Exit safepoint() = 0;
  /// Processors::woken has been set. Any thread.
  virtual void wake() {}
  /// See Engine.
  virtual void stand() {}
  virtual void set_news(std::function<void()> on_news) { static_cast<void>(on_news); }
  /// On threads; else null.
  virtual Doorbells* doorbells() { return nullptr; }
  /// Before a reset: nothing runs, and what has been asked is forgotten.
  virtual void forget_exits() {}
  /// After a reset: vCPU 0 begins.
  virtual void reset() {}
  /// On threads: memory was written from outside, within RAM or ROM.
  virtual void memory_written(u64, u64) {}
  /// State: what get_shared() and set_shared() save of it.
  virtual Turn turn() const { return {}; }
  virtual void set_turn(Turn) {}
};

/// A slice of run(): short enough to answer wake() and the host's clock within a few milliseconds.
inline constexpr u64 virtual_slice = 1'000'000, real_slice = 100'000;

}  // namespace tsbhyve::soft
