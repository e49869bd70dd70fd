// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/probe.h"

#include <cerrno>
#include <cstring>

#include "vmm/vm.h"

namespace tsbhyve {

VmmProbe vmm_probe(const std::string& path) {
  try {
    const vmm::Library& library = vmm::Library::load(path);
    GuestRam ram;
    ram.add_segment(0, 2 << 20, false);
    const vmm::Vm vm(library, &ram, {});
    return {"", library.tsc_hz()};
  } catch (const EngineError& error) {
    if (error.number == 0) return {error.message, 0};
    const std::string reason = std::strerror(error.number);
    const bool no_module = error.number == ENOENT || error.number == ENOSYS;
    return {std::string(error.call) + ": " + reason + (no_module ? " (is the vmm kernel module loaded?)" : ""), 0};
  }
}

}  // namespace tsbhyve
