// SPDX-License-Identifier: BSD-2-Clause
// A VM of the kernel's with its memory and its vCPUs, for as long as this object lives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/guest_ram.h"
#include "vmm/library.h"

namespace tsbhyve::vmm {

/// What the kernel tells the guest of its vCPUs.
struct Topology {
  std::uint16_t sockets = 1, cores = 1, threads = 1;
  std::uint32_t vcpus() const { return std::uint32_t{sockets} * cores * threads; }
};

class Vm {
 public:
  /// The kernel's memory takes the place of what is mapped for `ram`. Throws EngineError.
  Vm(const Library& library, GuestRam* ram, const Topology& topology);
  ~Vm();
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;

  const Library& library() const { return library_; }
  vmctx* ctx() const { return ctx_; }
  std::uint32_t count() const { return static_cast<std::uint32_t>(vcpus_.size()); }
  vcpu* processor(std::uint32_t index) const { return vcpus_[index]; }
  /// Back to what the VM was when it was made, but for its memory. No vCPU may run.
  void reset();
  /// The kernel's clocks of this VM began to count between these two (CLOCK_MONOTONIC, ns).
  std::int64_t made_after() const { return made_after_; }
  std::int64_t made_before() const { return made_before_; }

 private:
  void take_memory(GuestRam* ram);
  void open_vcpus(std::uint32_t count);
  void close();

  const Library& library_;
  std::string name_;
  vmctx* ctx_ = nullptr;
  std::vector<vcpu*> vcpus_;
  std::int64_t made_after_ = 0, made_before_ = 0;
};

/// Removes the VMs of processes of this program that have died: the kernel keeps them, memory and all.
void remove_orphans(const Library& library);

}  // namespace tsbhyve::vmm
