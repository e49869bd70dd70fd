// SPDX-License-Identifier: BSD-2-Clause
// The FPU image of the contract: legacy region and header of the standard XSAVE format.
#pragma once

#include <span>
#include <vector>

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// x87 and SSE state; what lies behind it (AVX and later) stays in the kernel.
std::vector<std::uint8_t> get_fpu(const Vm& vm, const Vcpu& vcpu);
/// Throws std::invalid_argument for an image that is too short or holds other state.
void set_fpu(const Vm& vm, const Vcpu& vcpu, std::span<const std::uint8_t> image);

}  // namespace tsbhyve::kvm
