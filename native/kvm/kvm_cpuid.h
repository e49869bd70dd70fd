// SPDX-License-Identifier: BSD-2-Clause
// The CPU model, cut to what this host can run.
#pragma once

#include <vector>

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

struct CutModel {
  std::vector<CpuidRow> rows;
  /// Feature bits of the model that the kernel does not support: rows that hold nothing else.
  std::vector<CpuidRow> masked;
};

/// Throws EngineError for a model with nested virtualization, whose state is not saved.
CutModel cut_model(const Vm& vm, const std::vector<CpuidRow>& model);

/// For one row of it.
void refuse_nested(const CpuidRow& row);

/// Gives a vCPU the rows, with its APIC id where they tell one.
void set_cpuid(const Vcpu& vcpu, std::uint32_t apic_id, const std::vector<CpuidRow>& rows);

/// Without this a guest may use KVM's paravirtual registers unasked, and nobody would save them.
void keep_to_cpuid(const Vm& vm, const Vcpu& vcpu);

/// Family, model and stepping, as EDX has them after a reset.
std::uint32_t signature(const std::vector<CpuidRow>& rows);

/// Whether the guest has XSAVE, and so an XCR0.
bool has_xsave(const std::vector<CpuidRow>& rows);

/// What the kernel supports of a leaf; zeros where it lists nothing.
CpuidRow supported_row(const Vm& vm, std::uint32_t leaf, std::uint32_t subleaf);

}  // namespace tsbhyve::kvm
