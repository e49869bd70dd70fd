// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_cpuid.h"

#include <algorithm>
#include <iterator>

#include "kvm/kvm_abi.h"

namespace tsbhyve::kvm {

namespace {

/// Leaves whose registers are sets of feature bits, and which registers those are.
struct FeatureLeaf {
  std::uint32_t leaf;
  std::uint32_t subleaf;
  bool eax, ebx, ecx, edx;
};
constexpr FeatureLeaf feature_leaves[] = {
    {0x1, 0, false, false, true, true},         {0x7, 0, false, true, true, true},
    {0x7, 1, true, true, true, true},           {0xd, 0, true, false, false, true},
    {0xd, 1, true, false, true, true},          {0x80000001, 0, false, false, true, true},
    {0x80000008, 0, false, true, false, false},
};

/// Bits of leaf 1 ECX that the kernel leaves out of its list though it has them: TSC_DEADLINE has a capability of its
/// own (and the LAPIC is in the kernel), OSXSAVE follows CR4, HYPERVISOR is ours to say.
constexpr std::uint32_t tsc_deadline = 1u << 24, xsave = 1u << 26, osxsave = 1u << 27, hypervisor = 1u << 31;

CpuidList supported_rows(const Vm& vm) {
  CpuidList list;
  list.head.count = static_cast<__u32>(std::size(list.entries));
  call(vm.system(), get_supported_cpuid, "KVM_GET_SUPPORTED_CPUID", &list);
  return list;
}

kvm_cpuid_entry2 supported_row(const CpuidList& list, std::uint32_t leaf, std::uint32_t subleaf) {
  const auto* end = list.entries + list.head.count;
  const auto* found =
      std::find_if(list.entries, end, [=](const auto& row) { return row.function == leaf && row.index == subleaf; });
  return found == end ? kvm_cpuid_entry2{} : *found;
}

bool subleaf_matters(const std::vector<CpuidRow>& model, std::uint32_t leaf) {
  return std::any_of(model.begin(), model.end(),
                     [=](const CpuidRow& row) { return row.leaf == leaf && row.subleaf != 0; });
}

void cut(CpuidRow& row, const CpuidList& supported) {
  const auto* end = std::end(feature_leaves);
  const auto* features = std::find_if(std::begin(feature_leaves), end, [&](const FeatureLeaf& candidate) {
    return candidate.leaf == row.leaf && candidate.subleaf == row.subleaf;
  });
  if (features == end) return;
  kvm_cpuid_entry2 can = supported_row(supported, row.leaf, row.subleaf);
  if (row.leaf == 1) can.ecx |= tsc_deadline | osxsave | hypervisor;
  if (features->eax) row.eax &= can.eax;
  if (features->ebx) row.ebx &= can.ebx;
  if (features->ecx) row.ecx &= can.ecx;
  if (features->edx) row.edx &= can.edx;
}

}  // namespace

std::vector<CpuidRow> set_cpuid(const Vm& vm, const Vcpu& vcpu, const std::vector<CpuidRow>& model) {
  CpuidList list;
  if (model.size() > std::size(list.entries))
    throw EngineError{0, "KVM_SET_CPUID2", "the CPU model has more than 256 rows"};
  const CpuidList supported = supported_rows(vm);
  std::vector<CpuidRow> rows = model;
  list.head.count = static_cast<__u32>(rows.size());
  for (std::size_t i = 0; i < rows.size(); i++) {
    cut(rows[i], supported);
    kvm_cpuid_entry2& entry = list.entries[i];
    entry.function = rows[i].leaf;
    entry.index = rows[i].subleaf;
    if (subleaf_matters(model, rows[i].leaf)) entry.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
    entry.eax = rows[i].eax;
    entry.ebx = rows[i].ebx;
    entry.ecx = rows[i].ecx;
    entry.edx = rows[i].edx;
  }
  call(vcpu.fd(), set_cpuid2, "KVM_SET_CPUID2", &list);
  return rows;
}

bool has_xsave(const std::vector<CpuidRow>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const CpuidRow& row) { return row.leaf == 1 && (row.ecx & xsave); });
}

}  // namespace tsbhyve::kvm
