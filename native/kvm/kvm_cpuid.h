// SPDX-License-Identifier: BSD-2-Clause
// The CPU model, cut to what this host can run.
#pragma once

#include <vector>

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// Gives the vCPU the model's rows; feature bits that the kernel does not support are cleared. Returns the rows as
/// given.
std::vector<CpuidRow> set_cpuid(const Vm& vm, const Vcpu& vcpu, const std::vector<CpuidRow>& model);

/// Whether the guest has XSAVE, and so an XCR0.
bool has_xsave(const std::vector<CpuidRow>& rows);

}  // namespace tsbhyve::kvm
