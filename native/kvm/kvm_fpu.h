// SPDX-License-Identifier: BSD-2-Clause
// The FPU image of the contract: standard XSAVE format, as long as the guest's CPU model makes it.
#pragma once

#include <span>
#include <vector>

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// What of the kernel's XSAVE area belongs to the guest, by its CPUID.
struct FpuLayout {
  std::uint64_t components = 3;  // that XCR0 may have: x87 and SSE, and what leaf 0DH lists
  std::size_t bytes = 512 + 64;  // up to the end of the last of them
  std::size_t kernel_bytes = 0;  // of the kernel's image
};

/// The layout that a model asks for. Throws EngineError where the kernel keeps a component in another place.
FpuLayout fpu_layout(const Vm& vm, const std::vector<CpuidRow>& rows);

std::vector<std::uint8_t> get_fpu(const Vcpu& vcpu, const FpuLayout& layout);
/// Throws std::invalid_argument for an image that has another length or holds state that the guest's model lacks.
void set_fpu(const Vcpu& vcpu, const FpuLayout& layout, std::span<const std::uint8_t> image);

}  // namespace tsbhyve::kvm
