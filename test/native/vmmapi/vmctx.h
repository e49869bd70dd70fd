// SPDX-License-Identifier: BSD-2-Clause
// An imitation of libvmmapi and of the vmm.ko behind it, for hosts without FreeBSD: our own interpreter is the
// processor, and the chips below are the kernel's. What it imitates is the other side of the engine: the ways of the
// kernel, its holes too, as docs/decisions/0024 lists them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "chips.h"
#include "engine/guest_ram.h"
#include "soft/soft_engine.h"

// What is declared here leaves the library; all else stays hidden in it.
#pragma GCC visibility push(default)
#include "vmm/headers.h"
#pragma GCC visibility pop

/// Its one vCPU.
struct vcpu {
  explicit vcpu(vmctx* owner) : vm(owner) {}

  vmctx* vm;
  bool active = false;
  std::atomic<bool> suspended = false;  // vm_suspend_cpu: the next vm_run returns at once
  /// Where the guest goes on when it is entered again. Until then RIP reads as what it was at the exit.
  std::optional<std::uint64_t> next_rip;
  bool msr_refused = false;
  bool awaits_msr = false;
  std::uint64_t intinfo = 0;
  unsigned entries = 0;
};

struct vmctx {
  explicit vmctx(std::string given);
  ~vmctx();
  vmctx(const vmctx&) = delete;
  vmctx& operator=(const vmctx&) = delete;

  std::int64_t now() const { return cpu->time(); }

  std::string name;
  int memory_fd = -1;
  tsbhyve::GuestRam ram;
  std::unique_ptr<tsbhyve::soft::SoftEngine> cpu;
  std::unique_ptr<imitation::Chips> chips;
  std::unique_ptr<vcpu> processor;
  vm_suspend_how ended = VM_SUSPEND_NONE;
  bool told_end = false;
  std::uint64_t restored_tsc = 0;  // what the TSC is to be when time runs again
  bool restores_tsc = false;
  std::mutex lock;
  std::condition_variable changed;  // ends a halt
};

namespace imitation {

/// Whether the imitated kernel was built with BHYVE_SNAPSHOT: differs between the two libraries.
extern const bool kernel_saves;

/// -1 with errno, as the library's functions fail.
int fail(int error);

inline constexpr std::size_t row(tsbhyve::Register index) { return static_cast<std::size_t>(index); }

/// Some or all registers of the contract; the group is what setting them disturbs.
std::vector<std::uint64_t> registers(vmctx* vm);
void set_registers(vmctx* vm, tsbhyve::RegisterGroup groups, const std::vector<std::uint64_t>& values);

/// The instruction at the guest's RIP, as far as its page goes.
struct Code {
  std::uint8_t bytes[15];
  unsigned count;
};
Code code_at(vmctx* vm, const std::vector<std::uint64_t>& values, std::uint64_t rip);
vm_guest_paging paging_of(const std::vector<std::uint64_t>& values);

}  // namespace imitation
