// SPDX-License-Identifier: BSD-2-Clause
// One soft vCPU behind the contract, and what a schedule needs to run it.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "soft/apic.h"
#include "soft/block_cache.h"
#include "soft/cpu.h"
#include "soft/lockstep/lockstep.h"
#include "soft/memory/mmu.h"
#include "soft/platform.h"
#include "soft/run.h"
#include "soft/translator/translator.h"
#include "soft/vm_time.h"

namespace tsbhyve::soft {

class PerfMap;

/// What the vCPUs of a machine have in common, besides memory.
struct Shared {
  VmTime& time;
  InterruptBus& bus;
  const PerfMap* perf_map;  // null: none is kept
};

class SoftVcpu final : public VcpuEngine, private Platform {
 public:
  /// `shared` is the machine's, as `ram` is.
  SoftVcpu(u32 index, GuestRam* ram, const EngineOptions& options, Shared shared);
  ~SoftVcpu() override;
  SoftVcpu(const SoftVcpu&) = delete;
  SoftVcpu& operator=(const SoftVcpu&) = delete;

  std::string error_text() const override;
  /// On threads as of its last exit or slice: it may be running.
  std::uint64_t instructions() const override { return cpu_->threaded ? told_retired_.load() : retired(); }
  std::vector<std::pair<std::string, u64>> counters() const override;
  /// One that waits for SIPI has nobody to take it.
  void inject_nmi() override;
  void set_external_interrupt(bool level);
  void get_registers(RegisterGroup groups, std::span<std::uint64_t> values) override;
  void set_registers(RegisterGroup groups, std::span<const std::uint64_t> values) override;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> get_msrs() override;
  void set_msrs(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& values) override;
  std::vector<std::uint8_t> get_xsave() override;
  void set_xsave(std::span<const std::uint8_t> image) override;
  std::vector<std::uint64_t> get_lapic() override;
  void set_lapic(std::span<const std::uint64_t> rows) override { apic_.load(rows); }
  std::vector<std::uint8_t> get_private() override;
  void set_private(std::span<const std::uint8_t> bytes) override;

  Cpu* cpu() { return cpu_.get(); }
  /// Of the same machine; set before anything runs.
  void set_others(std::vector<Cpu*> others);
  LocalApic& apic() { return apic_; }
  BlockCache& blocks() { return blocks_; }
  Mmu& mmu() { return mmu_; }

  u64 retired() const { return cpu_->retire_limit - static_cast<u64>(cpu_->budget); }
  /// What all vCPUs together have retired by now; VM time goes by that.
  void set_total(u64 total) { elsewhere_ = total - retired(); }
  u64 time() const { return time_.at(elsewhere_ + retired()); }
  /// Lets `instructions` more be retired, without changing how many have been.
  void set_budget(u64 instructions);

  /// Takes the answer to the exit that was returned last, if it was this vCPU's.
  void take_answer();
  /// The write that was to be an exit has been done otherwise.
  void answer_write();
  /// An instruction or an event has been asked for and has its answers: it comes next, whatever else waits.
  bool in_flight() const { return cpu_->answered_count > 0; }
  /// Runs until something stops it; ExitKind::None when nobody need be asked. The budget is set before.
  ExitKind execute();
  /// soft::execute() with the guest's rounding.
  Stop run_tiers() { return under_guest_rounding(soft::execute); }
  /// Finishes what is in flight and starts nothing.
  ExitKind finish();
  /// Whether its guest has said that it waits for another processor (PAUSE), once.
  bool take_yield() { return std::exchange(cpu_->yielded, false); }
  /// Fills the slot, and returns what run() returns.
  Exit leave(ExitKind kind);

  /// On a thread of its own, or (null) no more. Its exits then stay here until publish_slot(): the slot itself is the
  /// machine's thread's, except that take_answer() reads it.
  void set_threaded(ThreadedCpu* threaded);
  void publish_slot();
  /// Whether the last execute() stopped before an instruction that no other vCPU may run beside.
  bool take_wish_to_be_alone() { return std::exchange(wants_alone_, false); }
  /// The vector of a level-triggered interrupt that the I/O APIC has to be told the end of, as an exit; false: none.
  bool leaves_for_eoi();

  void reset();
  void drop_caches();
  void rest_translator(bool resting) {
    if (translator_) translator_->rest(resting);
  }

 private:
  u64 time_ns(u64 retired) const override { return time_.at(elsewhere_ + retired); }
  CpuidLeaf cpuid(u32 leaf, u32 subleaf) const override;
  void settle();
  void forget_instruction();
  ExitKind device_exit();
  ExitKind after_stop(Stop stop);
  Stop under_guest_rounding(Stop (*work)(Cpu*));

  const u32 index_;
  const bool is_alone_;  // then its private section has what else the machine's shared one has
  std::unique_ptr<Cpu> cpu_;
  VmTime& time_;
  u64 elsewhere_ = 0;  // instructions retired by the other vCPUs
  std::vector<Cpu*> others_;
  std::vector<CpuidRow> cpuid_;
  Mmu mmu_;
  BlockCache blocks_;
  std::unique_ptr<Translator> translator_;
  LocalApic apic_;
  std::unique_ptr<Lockstep> lockstep_;  // null: one tier at a time
  std::unique_ptr<FastEntry[]> never_fast_;
  bool awaits_answer_ = false;
  bool wants_alone_ = false;
  ExitSlot own_slot_{};
  ExitSlot* exit_ = &slot;  // where exits are written
  std::atomic<u64> told_retired_ = 0;
};

}  // namespace tsbhyve::soft
