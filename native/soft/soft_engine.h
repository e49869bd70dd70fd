// SPDX-License-Identifier: BSD-2-Clause
// The soft engine behind the contract.
#pragma once

#include <atomic>
#include <memory>

#include "engine/engine.h"
#include "soft/apic.h"
#include "soft/block_cache.h"
#include "soft/cpu.h"
#include "soft/memory/mmu.h"
#include "soft/platform.h"
#include "soft/run.h"
#include "soft/translator/translator.h"
#include "soft/vm_time.h"

namespace tsbhyve::soft {

class SoftEngine final : public VcpuEngine, private Platform {
 public:
  SoftEngine(GuestRam* ram, const EngineOptions& options);
  ~SoftEngine() override;

  Capabilities capabilities() const override;
  ExitKind run(std::int64_t deadline) override;
  void wake() override { woken_.store(true, std::memory_order_release); }
  ExitKind safepoint() override;
  std::string error_text() const override;

  std::int64_t time() const override;
  void set_time(std::int64_t nanoseconds) override;
  void hold_time(bool held) override { time_.hold(held); }
  std::int64_t next_deadline() const override;
  std::uint64_t instructions() const override;

  void send_msi(std::uint64_t address, std::uint32_t data) override { apic_.receive(address, data); }
  void set_external_interrupt(bool level) override { cpu_->external_interrupt = level; }
  void inject_nmi() override { cpu_->nmi_pending = true; }
  void reset() override;

  void get_registers(RegisterGroup groups, std::span<std::uint64_t> values) override;
  void set_registers(RegisterGroup groups, std::span<const std::uint64_t> values) override;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> get_msrs() override;
  void set_msrs(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& values) override;
  std::vector<std::uint8_t> get_xsave() override;
  void set_xsave(std::span<const std::uint8_t> image) override;
  std::vector<std::uint64_t> get_lapic() override { return apic_.save(); }
  void set_lapic(std::span<const std::uint64_t> rows) override;
  std::vector<std::uint8_t> get_private() override;
  void set_private(std::span<const std::uint8_t> bytes) override;

  void memory_written(std::uint64_t physical, std::uint64_t length) override;
  void dirty_log_taken() override { mmu_.drop_fast_writes(); }
  void drop_caches() override;

 private:
  u64 time_ns(u64 retired) const override { return time_.at(retired); }
  CpuidLeaf cpuid(u32 leaf, u32 subleaf) const override;

  u64 retired() const { return cpu_->retire_limit - static_cast<u64>(cpu_->budget); }
  void set_budget(u64 instructions);
  void take_answer();
  void forget_instruction();
  ExitKind leave(ExitKind kind);
  ExitKind device_exit();
  ExitKind after_stop(Stop stop);
  Stop under_guest_rounding(Stop (*work)(Cpu*));

  std::unique_ptr<Cpu> cpu_;
  GuestRam* ram_;
  VmTime time_;
  std::vector<CpuidRow> cpuid_;
  Mmu mmu_;
  BlockCache blocks_;
  std::unique_ptr<Translator> translator_;
  LocalApic apic_;
  std::unique_ptr<FastEntry[]> never_fast_;
  std::atomic<bool> woken_ = false;
  bool awaits_answer_ = false;
};

}  // namespace tsbhyve::soft
