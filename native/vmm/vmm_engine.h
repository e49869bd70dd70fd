// SPDX-License-Identifier: BSD-2-Clause
// The vmm engine behind the contract: one vCPU of FreeBSD's /dev/vmm, with the kernel's local APIC and chipset.
#pragma once

#include "engine/engine.h"
#include "vmm/chipset.h"
#include "vmm/emulator.h"
#include "vmm/kick.h"
#include "vmm/registers.h"
#include "vmm/saved_state.h"
#include "vmm/vm.h"

namespace tsbhyve::vmm {

/// A guest that halts sleeps in the kernel, whose timers and interrupts end the halt. Nothing tells that it does, so
/// run() returns ExitKind::Hlt only for a guest that has halted for ever, and next_deadline() is INT64_MAX.
class VmmEngine final : public Engine, public VcpuEngine {
 public:
  VmmEngine(GuestRam* ram, const EngineOptions& options);

  Capabilities capabilities() const override;
  std::uint32_t vcpu_count() const override { return 1; }
  VcpuEngine& vcpu(std::uint32_t) override { return *this; }
  Exit run(std::int64_t deadline) override;
  void wake() override { kick_.wake(); }
  Exit safepoint() override;
  std::string error_text() const override { return error_; }

  std::int64_t time() const override { return held_ ? base_ : host_now() + base_; }
  void set_time(std::int64_t nanoseconds) override;
  void hold_time(bool held) override;
  std::int64_t next_deadline() const override { return INT64_MAX; }
  /// The kernel does not count instructions: always 0.
  std::uint64_t instructions() const override { return 0; }

  void send_msi(std::uint64_t address, std::uint32_t data) override;
  /// The kernel has the 8259s.
  void set_external_interrupt(bool) override {}
  void inject_nmi() override;
  void reset() override;
  KernelChipset* chipset() override { return &chipset_; }

  void get_registers(RegisterGroup groups, std::span<std::uint64_t> values) override;
  void set_registers(RegisterGroup groups, std::span<const std::uint64_t> values) override;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> get_msrs() override;
  void set_msrs(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& values) override;
  std::vector<std::uint8_t> get_xsave() override;
  void set_xsave(std::span<const std::uint8_t> image) override;
  std::vector<std::uint64_t> get_lapic() override;
  void set_lapic(std::span<const std::uint64_t> rows) override;
  /// What the kernel saves of a vCPU, in its own form.
  std::vector<std::uint8_t> get_private() override;
  void set_private(std::span<const std::uint8_t> bytes) override;
  std::vector<std::uint8_t> get_shared() override { return {}; }
  void set_shared(std::span<const std::uint8_t> bytes) override;

  void memory_written(std::uint64_t physical, std::uint64_t length) override;
  void dirty_log_taken() override;
  void drop_caches() override {}

 private:
  /// What the last exit asked for and is still to be given.
  enum class Owed { Nothing, PortValue, MsrValue, MsrWritten, Emulation };

  Exit leave(ExitKind kind);
  ExitKind fail(std::string sentence);
  /// Gives the kernel the answer to the last exit. An exit of the same instruction is returned, else None.
  ExitKind take_answer();
  void refuse_msr();
  void finish_instruction();

  ExitKind decode();
  ExitKind port();
  ExitKind msr(bool write);
  ExitKind emulate();
  ExitKind emulated(ExitKind kind);
  ExitKind ended();
  ExitKind task_switch();
  Exit interrupted(std::int64_t deadline);

  const Library& library_;
  GuestRam* ram_;
  Vm vm_;
  Registers registers_;
  Kick kick_;
  Emulator emulator_;
  SavedState saved_;
  Chipset chipset_;
  struct vm_exit exit_ {};
  Owed owed_ = Owed::Nothing;
  bool advances_ = false;  // the kernel steps over the last exit's instruction when it runs on
  ExitKind end_ = ExitKind::None;
  std::string error_;
  bool held_ = true;
  std::int64_t base_ = 0;
  std::int64_t slice_;
};

}  // namespace tsbhyve::vmm
