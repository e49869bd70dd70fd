// SPDX-License-Identifier: BSD-2-Clause
// One entry into the guest.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>

#include "vmm/library.h"

namespace tsbhyve::vmm {

/// Fills `exit`; throws EngineError.
inline void run_vcpu(const Library& library, vcpu* processor, struct vm_exit& exit) {
  std::array<std::uint64_t, 16> processors{};  // for exits that name other vCPUs: room for 1024 of them
  struct vm_run request {};
  request.vm_exit = &exit;
  request.cpuset = reinterpret_cast<decltype(request.cpuset)>(processors.data());
  request.cpusetsize = sizeof processors;
  if (library.vm_run(processor, &request) != 0) throw EngineError{errno, "vm_run", ""};
}

}  // namespace tsbhyve::vmm
