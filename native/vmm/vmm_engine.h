// SPDX-License-Identifier: BSD-2-Clause
// The vmm engine behind the contract: a VM of FreeBSD's /dev/vmm, with the kernel's local APICs and chipset.
#pragma once

#include <memory>

#include "vmm/saved_state.h"
#include "vmm/vmm_vcpu.h"

namespace tsbhyve::vmm {

/// One vCPU runs on the machine's thread, several on threads of their own. A guest that halts sleeps in the kernel,
/// whose timers and interrupts end the halt. Nothing tells that it does, so run() returns ExitKind::Hlt only for a
/// guest that has halted for ever, and next_deadline() is INT64_MAX.
class VmmEngine final : public Engine {
 public:
  VmmEngine(GuestRam* ram, const EngineOptions& options);
  ~VmmEngine() override;

  Capabilities capabilities() const override;
  std::uint32_t vcpu_count() const override { return vm_.count(); }
  VmmVcpu& vcpu(std::uint32_t index) override { return *vcpus_[index]; }
  Exit run(std::int64_t deadline) override;
  void wake() override;
  Exit safepoint() override;
  void set_news(std::function<void()> on_news) override { on_news_ = std::move(on_news); }

  std::int64_t time() const override { return clock_.time(); }
  void set_time(std::int64_t nanoseconds) override;
  void hold_time(bool held) override;
  std::int64_t next_deadline() const override { return INT64_MAX; }

  void send_msi(std::uint64_t address, std::uint32_t data) override;
  /// The kernel has the 8259s.
  void set_external_interrupt(bool) override {}
  void reset() override;
  KernelChipset* chipset() override { return &chipset_; }

  std::vector<std::uint8_t> get_shared() override { return {}; }
  void set_shared(std::span<const std::uint8_t> bytes) override;

  void memory_written(std::uint64_t physical, std::uint64_t length) override;
  void dirty_log_taken() override;
  void drop_caches() override {}

 private:
  Exit told(ExitKind kind);
  Exit run_crew(std::chrono::nanoseconds longest);
  Exit gather();
  void end_exits();
  Exit run_on(VmmVcpu& unsettled);

  const Library& library_;
  Vm vm_;
  ScratchMemory scratch_;
  Clock clock_;
  SavedState saved_;
  Chipset chipset_;
  Gate gate_;
  std::vector<std::unique_ptr<VmmVcpu>> vcpus_;
  std::function<void()> on_news_ = [] {};
  std::unique_ptr<Crew> crew_;  // ends before what it runs
};

}  // namespace tsbhyve::vmm
