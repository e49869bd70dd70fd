// SPDX-License-Identifier: BSD-2-Clause
// One entry into the guest.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>

#include "vmm/library.h"

namespace tsbhyve::vmm {

/// A bit for each vCPU: room for 1024 of them.
using VcpuSet = std::array<std::uint64_t, 16>;

constexpr bool contains(const VcpuSet& set, std::uint32_t index) { return set[index / 64] >> (index % 64) & 1; }

/// Fills `exit`, and `others` where that names other vCPUs; throws EngineError.
inline void run_vcpu(const Library& library, vcpu* processor, struct vm_exit& exit, VcpuSet& others) {
  struct vm_run request {};
  request.vm_exit = &exit;
  request.cpuset = reinterpret_cast<decltype(request.cpuset)>(others.data());
  request.cpusetsize = sizeof others;
  if (library.vm_run(processor, &request) != 0) throw EngineError{errno, "vm_run", ""};
}

inline void run_vcpu(const Library& library, vcpu* processor, struct vm_exit& exit) {
  VcpuSet others{};
  run_vcpu(library, processor, exit, others);
}

}  // namespace tsbhyve::vmm
