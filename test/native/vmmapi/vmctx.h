// SPDX-License-Identifier: BSD-2-Clause
// An imitation of libvmmapi and of the vmm.ko behind it, for hosts without FreeBSD: our own interpreter is the
// processor, and the chips below are the kernel's. What it imitates is the other side of the engine: the ways of the
// kernel, its holes too, as docs/decisions/0024 lists them.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "chips.h"
#include "engine/guest_ram.h"
#include "turn_lock.h"

// What is declared here leaves the library; all else stays hidden in it.
#pragma GCC visibility push(default)
#include "vmm/headers.h"
#pragma GCC visibility pop

namespace imitation {
/// A bit for each vCPU.
using Set = std::uint64_t;
}  // namespace imitation

/// Everything in it is guarded by its VM's lock.
struct vcpu {
  vcpu(vmctx* owner, std::uint32_t number) : vm(owner), index(number) {}

  tsbhyve::soft::SoftVcpu& core() const;
  imitation::Set bit() const { return imitation::Set{1} << index; }
  /// Back to a vCPU that has never run.
  void forget();

  vmctx* const vm;
  const std::uint32_t index;
  bool active = false;
  bool inside = false;        // vm_run
  bool suspended = false;     // vm_suspend_cpu: vm_run returns at once
  bool tells_starts = false;  // VM_CAP_IPI_EXIT
  /// Where the guest goes on when it is entered again. Until then RIP reads as what it was at the exit.
  std::optional<std::uint64_t> next_rip;
  bool msr_refused = false;
  bool awaits_msr = false;
  std::uint64_t intinfo = 0;
  unsigned entries = 0;
  imitation::Set sent_init = 0, sent_start = 0;  // that its next exits tell of
  std::uint8_t start_vector = 0;
  bool dead_halt = false;        // HLT with interrupts off
  bool owes_rendezvous = false;  // another waits for it to look in
  bool told_end = false;
  std::optional<std::uint64_t> restored_tsc;  // what the TSC is to be when time runs again
  std::vector<std::uint64_t> power_on;        // registers
};

struct vmctx {
  explicit vmctx(std::string given);
  ~vmctx();
  vmctx(const vmctx&) = delete;
  vmctx& operator=(const vmctx&) = delete;

  std::int64_t now() const { return cores->now(); }
  imitation::Set active() const;

  std::string name;
  std::int64_t made_at;  // CLOCK_MONOTONIC, ns
  int memory_fd = -1;
  unsigned sockets = 1, cores_each = 1, threads_each = 1;
  tsbhyve::GuestRam ram;
  std::uint8_t* device_memory = nullptr;
  bool device_memory_mapped = false;
  std::unique_ptr<imitation::Cores> cores;
  std::unique_ptr<imitation::Chips> chips;
  std::vector<std::unique_ptr<vcpu>> vcpus;
  imitation::Set awaits_start = 0;  // had INIT and no SIPI
  vm_suspend_how ended = VM_SUSPEND_NONE;
  imitation::TurnLock lock;
  std::condition_variable_any changed;  // something that a vCPU inside vm_run may wait for
};

namespace imitation {

/// Whether the imitated kernel was built with BHYVE_SNAPSHOT: differs between the two libraries.
extern const bool kernel_saves;

inline constexpr std::uint32_t most_vcpus = 4;

std::int64_t host_now();

/// -1 with errno, as the library's functions fail.
int fail(int error);

inline constexpr std::size_t row(tsbhyve::Register index) { return static_cast<std::size_t>(index); }

/// Some or all registers of the contract; the group is what setting them disturbs.
std::vector<std::uint64_t> registers(vcpu* cpu);
void set_registers(vcpu* cpu, tsbhyve::RegisterGroup groups, const std::vector<std::uint64_t>& values);

/// The lock, for calls about a vCPU that must not run meanwhile. The kernel gets it out of vm_run for them; here that
/// is refused, because nobody who is sure of its vCPUs needs it.
class Frozen {
 public:
  explicit Frozen(const vcpu* cpu) : guard_(cpu->vm->lock), outside_(!cpu->inside) {}
  explicit operator bool() const { return outside_; }

 private:
  const std::lock_guard<TurnLock> guard_;
  const bool outside_;
};

/// The instruction at the guest's RIP, as far as its page goes.
struct Code {
  std::uint8_t bytes[15];
  unsigned count;
};
Code code_at(vmctx* vm, const std::vector<std::uint64_t>& values, std::uint64_t rip);
vm_guest_paging paging_of(const std::vector<std::uint64_t>& values);

/// The calling vCPU waits, without the lock, until the others of the set have looked in: each does so whenever it is
/// inside vm_run or comes there.
void rendezvous(vcpu* caller, Set others);
/// The calling vCPU looks in.
void look_in(vcpu* caller);
/// Waits until all active vCPUs have come to the VM's end.
void end_together(vcpu* caller);

}  // namespace imitation
