// SPDX-License-Identifier: BSD-2-Clause
// Is /dev/kvm worth using here?
#pragma once

#include <cstdint>
#include <string>

namespace tsbhyve {

struct KvmProbe {
  bool available;                  // there, complete enough, and running guest ring 0 natively
  std::string reason;              // why not; empty when available
  double instructions_per_second;  // of a short ring-0 loop; 0 when it could not run
  std::uint64_t tsc_hz;            // the guest's TSC rate without scaling; 0 when unknown
  bool tsc_scalable;               // any other TSC rate can be had
};

/// Runs 200,000 ring-0 instructions, up to three times (0.1 s each where they are emulated, far less elsewhere), unless
/// `known` is what an earlier run measured. Some /dev/kvm emulate ring 0 in software, with instructions missing, and no
/// real kernel boots there.
KvmProbe kvm_probe(double known = 0);

}  // namespace tsbhyve
