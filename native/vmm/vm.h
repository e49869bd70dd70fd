// SPDX-License-Identifier: BSD-2-Clause
// A VM of the kernel's with its memory and its one vCPU, for as long as this object lives.
#pragma once

#include <cstdint>
#include <string>

#include "engine/guest_ram.h"
#include "vmm/library.h"

namespace tsbhyve::vmm {

class Vm {
 public:
  /// The kernel's memory takes the place of what is mapped for `ram`. Throws EngineError.
  Vm(const Library& library, GuestRam* ram);
  ~Vm();
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;

  const Library& library() const { return library_; }
  vmctx* ctx() const { return ctx_; }
  vcpu* processor() const { return vcpu_; }
  /// Back to what the VM was when it was made, but for its memory. The vCPU must not run.
  void reset();
  /// When the kernel's clocks of this VM began to count (CLOCK_MONOTONIC, ns).
  std::int64_t made_at() const { return made_at_; }

 private:
  void take_memory(GuestRam* ram);
  void start_vcpu();

  const Library& library_;
  std::string name_;
  vmctx* ctx_ = nullptr;
  vcpu* vcpu_ = nullptr;
  std::int64_t made_at_ = 0;
};

/// Removes the VMs of processes of this program that have died: the kernel keeps them, memory and all.
void remove_orphans(const Library& library);

}  // namespace tsbhyve::vmm
