// SPDX-License-Identifier: BSD-2-Clause
// Whether this host can run VMs by vmm, found out by making one.
#pragma once

#include <cstdint>
#include <string>

namespace tsbhyve {

struct VmmProbe {
  std::string reason;  // why not; empty when it can
  std::uint64_t tsc_hz = 0;
};

/// `library` empty: the system's libvmmapi.
VmmProbe vmm_probe(const std::string& library);

}  // namespace tsbhyve
