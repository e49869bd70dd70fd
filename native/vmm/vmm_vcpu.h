// SPDX-License-Identifier: BSD-2-Clause
// One vCPU of FreeBSD's /dev/vmm, with the kernel's local APIC.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

#include "engine/crew.h"
#include "engine/engine.h"
#include "vmm/chipset.h"
#include "vmm/clock.h"
#include "vmm/emulator.h"
#include "vmm/fpu.h"
#include "vmm/gate.h"
#include "vmm/lapic.h"
#include "vmm/registers.h"
#include "vmm/run.h"

namespace tsbhyve::vmm {

/// What the vCPUs of a machine have in common.
struct Surroundings {
  Vm& vm;
  GuestRam* ram;
  const ScratchMemory& scratch;
  SavedState& saved;
  Chipset& chipset;
  const Clock& clock;
  Gate& gate;
  /// INIT or SIPI for these, on the thread of whoever sent it.
  std::function<void(const VcpuSet& to)> init;
  std::function<void(const VcpuSet& to, std::uint8_t vector)> start;
};

/// It runs on a thread of its own as a member of a crew, or by run_here() on the machine's.
class VmmVcpu final : public VcpuEngine, public CrewMember {
 public:
  VmmVcpu(Surroundings all, std::uint32_t index);

  // On its own thread.
  CrewStop run() override;
  /// Ends the stay in the kernel. Whether to stay out the gate tells, because a kick may be found long after it.
  void kick() override { kick_.nudge(); }
  bool is_waited_for() const override { return true; }  // see Gate

  // On the machine's thread, which is then the vCPU's own.
  ExitKind run_here(std::int64_t deadline);
  void wake() { kick_.wake(); }
  /// Lets the guest run on for a moment, so that it comes to where it can be saved.
  ExitKind run_on();

  /// Gives the kernel the answer to the last exit. An exit of the same instruction is returned, else None.
  ExitKind take_answer();
  /// Puts its exit into the slot: the machine's thread may have told something of its own there meanwhile.
  Exit present();
  Exit leave(ExitKind kind);

  /// Whether all of it can be saved as it stands; what cannot be asked for later is read.
  bool is_settled();
  void reset();

  /// From other vCPUs' threads, or its own.
  void receive_init();
  void receive_start(std::uint8_t vector);

  std::string error_text() const override { return error_; }
  /// The kernel does not count instructions: always 0.
  std::uint64_t instructions() const override { return 0; }
  void inject_nmi() override;
  void get_registers(RegisterGroup groups, std::span<std::uint64_t> values) override;
  void set_registers(RegisterGroup groups, std::span<const std::uint64_t> values) override;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> get_msrs() override;
  void set_msrs(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& values) override;
  std::vector<std::uint8_t> get_xsave() override;
  void set_xsave(std::span<const std::uint8_t> image) override;
  std::vector<std::uint64_t> get_lapic() override;
  void set_lapic(std::span<const std::uint64_t> rows) override;
  /// The first has what the kernel saves of all, in its own form, and must be given it last; the others have nothing.
  std::vector<std::uint8_t> get_private() override;
  void set_private(std::span<const std::uint8_t> bytes) override;

 private:
  /// What the last exit asked for and is still to be given.
  enum class Owed { Nothing, PortValue, MsrValue, MsrWritten, Emulation };

  vcpu* processor() const { return all_.vm.processor(index_); }
  const Library& library() const { return all_.vm.library(); }

  /// Runs the guest until it exits or until this host time.
  void enter(std::int64_t host_time);
  /// Enters the kernel and no further.
  void look_in();
  CrewStop ask(ExitKind kind);
  CrewStop step_aside();
  void wait_for_start();
  void take_start();
  std::span<std::uint8_t> own_part(std::span<std::uint8_t> state) const;
  LapicPage lapic_page();
  ExitKind fail(std::string sentence);
  ExitKind answer();
  void refuse_msr();
  void finish_instruction();
  bool has_event();
  void read_fpu();

  ExitKind decode();
  ExitKind port();
  ExitKind msr(bool write);
  ExitKind emulate();
  ExitKind emulated(ExitKind kind);
  ExitKind ended();
  ExitKind task_switch();
  ExitKind start_message();
  ExitKind interrupted(std::int64_t deadline);

  const Surroundings all_;
  const std::uint32_t index_;
  ExitSlot asked_{};
  Registers registers_;
  Kick kick_;
  Emulator emulator_;
  Fpu fpu_;
  std::optional<FpuState> fpu_state_;  // as the last safepoint found it
  std::uint64_t xcr0_ = 1;             // for the image that is restored next
  std::atomic<bool> nmi_ = false;      // the kernel is given it when the vCPU is entered next
  struct vm_exit exit_ {};
  VcpuSet named_{};  // by the last exit
  Owed owed_ = Owed::Nothing;
  bool advances_ = false;  // the kernel steps over the last exit's instruction when it runs on
  ExitKind end_ = ExitKind::None;
  std::string error_;
  std::int64_t slice_;

  /// INIT and SIPI that have been sent and not been taken.
  struct Mail {
    bool init = false;
    std::optional<std::uint8_t> start;
  };
  std::mutex lock_;
  std::condition_variable changed_;
  Mail mail_;
  std::atomic<bool> waits_for_start_;
};

}  // namespace tsbhyve::vmm
