// SPDX-License-Identifier: BSD-2-Clause
// One vCPU of Linux's /dev/kvm, its LAPIC in the kernel.
#pragma once

#include <atomic>
#include <functional>

#include "engine/crew.h"
#include "kvm/kvm_clock.h"
#include "kvm/kvm_cpuid.h"
#include "kvm/kvm_delivery.h"
#include "kvm/kvm_exit.h"
#include "kvm/kvm_fpu.h"
#include "kvm/kvm_kick.h"
#include "kvm/kvm_lapic.h"
#include "kvm/kvm_messages.h"
#include "kvm/kvm_msr.h"
#include "kvm/kvm_registers.h"

namespace tsbhyve::kvm {

/// What the vCPUs of a machine have in common.
struct Surroundings {
  const Vm& vm;
  const GuestRam& ram;
  Clock& clock;
  Messages& messages;
  const CutModel& model;
  std::atomic<bool>& external_interrupt;                 // INTR of the 8259s
  std::function<std::bitset<256>()> requested_anywhere;  // what any LAPIC has requested or in service
};

/// Asleep inside KVM_RUN, where the kernel wakes it: halted, or so that no interrupt can wake it.
enum class Doze : std::uint8_t { No, Halted, Dead };

/// It runs on a thread of its own as a member of a crew, or by run_here() on the machine's.
class KvmVcpu final : public VcpuEngine, public CrewMember {
 public:
  KvmVcpu(Surroundings all, std::uint32_t index, const Vcpu& vcpu);

  // On its own thread.
  void begin() override { kick_.bind(); }
  CrewStop run() override;
  void kick() override {
    doze_ = Doze::No;  // until it has looked again
    kick_.wake();
  }
  /// Puts its exit into the slot: the machine's thread may have told something of its own there meanwhile.
  ExitKind present();
  /// What it did when its thread last looked: it may have been woken since.
  Doze doze() const { return doze_; }
  bool is_shut_down() const { return shutdown_; }
  /// Now, while it stands.
  bool is_dead();

  // On the machine's thread, which is then the vCPU's own. A guest that halts sleeps inside KVM_RUN; when it still does
  // so at the end of a slice, this returns Hlt.
  ExitKind run_here(std::int64_t deadline);
  ExitKind safepoint_here();

  std::string error_text() const override { return exits_.error(); }
  /// KVM does not count instructions: always 0.
  std::uint64_t instructions() const override { return 0; }
  void inject_nmi() override;
  void get_registers(RegisterGroup groups, std::span<std::uint64_t> values) override;
  void set_registers(RegisterGroup groups, std::span<const std::uint64_t> values) override;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> get_msrs() override { return read_msrs(vcpu_, saved_msrs_); }
  void set_msrs(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& values) override;
  std::vector<std::uint8_t> get_xsave() override { return get_fpu(vcpu_, fpu_); }
  void set_xsave(std::span<const std::uint8_t> image) override { set_fpu(vcpu_, fpu_, image); }
  /// Ends of interrupts that nobody was told of are in the first one's rows, whosever they are.
  std::vector<std::uint64_t> get_lapic() override;
  void set_lapic(std::span<const std::uint64_t> rows) override;
  /// An interrupt or exception on its way to its handler and the like, or nothing.
  std::vector<std::uint8_t> get_private() override { return get_delivery(vcpu_, acknowledged_); }
  void set_private(std::span<const std::uint8_t> bytes) override { set_delivery(vcpu_, bytes); }

  void reset();
  void move_tsc(std::uint64_t ticks) { tsc_.move(ticks); }
  /// Around Clock::hold.
  void before_hold() { lapic_.before_hold(); }
  void after_hold() { tsc_.after_hold(); }
  void after_release();
  bool moves_tsc() const { return tsc_.can_move(); }
  std::int64_t next_deadline() const { return halted_ ? lapic_.next_deadline() : INT64_MAX; }
  /// What its LAPIC has requested or in service.
  std::bitset<256> requested() const { return alive_in(lapic_.get()); }

 private:
  void correct_first_state();
  ExitKind leave(ExitKind kind);
  bool take_answer();
  bool acknowledges() const;
  ExitKind acknowledge();
  bool tells_end();
  bool writes_rom(ExitKind kind) const;
  ExitKind asks_after(bool exited);
  void arm(std::int64_t nanoseconds);
  ExitKind enter();
  ExitKind go_on(std::int64_t deadline);
  ExitKind interrupted(std::int64_t deadline);
  ExitKind finish_exit();
  Doze looks_asleep();

  const Surroundings all_;
  ExitSlot asked_{};
  const std::uint32_t index_;
  const Vcpu& vcpu_;
  Kick kick_;
  GuestTsc tsc_;
  Lapic lapic_;
  Registers registers_;
  ExitDecoder exits_;
  AcknowledgedVector acknowledged_;
  FpuLayout fpu_;
  std::vector<SavedMsr> saved_msrs_;
  std::atomic<bool> nmi_ = false;  // inject_nmi() while it ran
  std::atomic<Doze> doze_ = Doze::No;
  bool exited_ = false;         // the last KVM_RUN ended with an exit
  bool awaits_vector_ = false;  // the last exit was InterruptAcknowledge
  bool halted_ = false;         // the last exit was Hlt
  std::atomic<bool> shutdown_ = false;

  /// What reset() goes back to.
  struct PowerOn {
    std::vector<std::uint64_t> registers, lapic;
    std::vector<std::uint8_t> fpu;
  } power_on_;
};

}  // namespace tsbhyve::kvm
