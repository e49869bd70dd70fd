// SPDX-License-Identifier: BSD-2-Clause
// The kvm engine behind the contract: one vCPU of Linux's /dev/kvm, its LAPIC in the kernel, the chipset outside.
#pragma once

#include "kvm/kvm_clock.h"
#include "kvm/kvm_delivery.h"
#include "kvm/kvm_device.h"
#include "kvm/kvm_exit.h"
#include "kvm/kvm_kick.h"
#include "kvm/kvm_lapic.h"
#include "kvm/kvm_memory.h"
#include "kvm/kvm_messages.h"
#include "kvm/kvm_msr.h"
#include "kvm/kvm_registers.h"

namespace tsbhyve::kvm {

/// A guest that halts sleeps inside KVM_RUN. When it still does so at the end of a slice, run() returns ExitKind::Hlt
/// and next_deadline() tells when the kernel's LAPIC timer would end the sleep; in all other cases the kernel keeps
/// that timer by itself and next_deadline() is INT64_MAX.
class KvmEngine final : public Engine, public VcpuEngine {
 public:
  KvmEngine(GuestRam* ram, const EngineOptions& options);

  Capabilities capabilities() const override;
  std::uint32_t vcpu_count() const override { return 1; }
  VcpuEngine& vcpu(std::uint32_t) override { return *this; }
  Exit run(std::int64_t deadline) override;
  void wake() override { kick_.wake(); }
  Exit safepoint() override;
  std::string error_text() const override { return exits_.error(); }

  std::int64_t time() const override { return clock_.time(); }
  void set_time(std::int64_t nanoseconds) override { clock_.set_time(nanoseconds); }
  void hold_time(bool held) override;
  std::int64_t next_deadline() const override { return halted_ ? lapic_.next_deadline() : INT64_MAX; }
  /// KVM does not count instructions: always 0.
  std::uint64_t instructions() const override { return 0; }

  void send_msi(std::uint64_t address, std::uint32_t data) override { messages_.send(address, data); }
  void set_external_interrupt(bool level) override { external_interrupt_ = level; }
  void inject_nmi() override { TSBHYVE_KVM(vcpu_.fd(), KVM_NMI, 0); }
  void reset() override;

  void get_registers(RegisterGroup groups, std::span<std::uint64_t> values) override;
  void set_registers(RegisterGroup groups, std::span<const std::uint64_t> values) override;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> get_msrs() override { return read_msrs(vcpu_, saved_msrs_); }
  void set_msrs(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& values) override;
  std::vector<std::uint8_t> get_xsave() override;
  void set_xsave(std::span<const std::uint8_t> image) override;
  std::vector<std::uint64_t> get_lapic() override;
  void set_lapic(std::span<const std::uint64_t> rows) override;
  /// An interrupt or exception on its way to its handler, or nothing.
  std::vector<std::uint8_t> get_private() override;
  void set_private(std::span<const std::uint8_t> bytes) override;
  std::vector<std::uint8_t> get_shared() override { return {}; }
  void set_shared(std::span<const std::uint8_t> bytes) override;

  /// The processor itself keeps its caches in step with memory.
  void memory_written(std::uint64_t, std::uint64_t) override {}
  /// The kernel's log is fetched at each safepoint once a client exists.
  void dirty_log_taken() override { memory_.start_log(); }
  void drop_caches() override {}

 private:
  Exit leave(ExitKind kind);
  bool take_answer();
  bool acknowledges() const;
  bool tells_end();
  bool writes_rom(ExitKind kind) const;
  Exit interrupted(std::int64_t deadline);

  Vm vm_;
  Vcpu vcpu_;
  Clock clock_;
  Kick kick_;
  Memory memory_;
  GuestRam* ram_;
  Messages messages_;
  Lapic lapic_;
  Registers registers_;
  ExitDecoder exits_;
  AcknowledgedVector acknowledged_;
  std::vector<SavedMsr> saved_msrs_;
  bool has_xsave_ = false;
  bool external_interrupt_ = false;
  bool awaits_vector_ = false;  // the last exit was InterruptAcknowledge
  bool halted_ = false;         // the last exit was Hlt
  bool shutdown_ = false;

  /// What reset() goes back to.
  struct PowerOn {
    std::vector<std::uint64_t> registers, lapic;
    std::vector<std::uint8_t> fpu;
  } power_on_;
};

}  // namespace tsbhyve::kvm
