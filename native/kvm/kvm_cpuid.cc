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

constexpr std::uint32_t vmx = 1u << 5, svm = 1u << 2;  // leaf 1 ECX, leaf 80000001H ECX

constexpr std::uint32_t topology = 0xb, topology_v2 = 0x1f;  // EDX is the x2APIC id

CpuidList supported_rows(const Vm& vm) {
  CpuidList list;
  list.head.count = static_cast<__u32>(std::size(list.entries));
  call(vm.system(), get_supported_cpuid, "KVM_GET_SUPPORTED_CPUID", &list);
  return list;
}

kvm_cpuid_entry2 find_row(const CpuidList& list, std::uint32_t leaf, std::uint32_t subleaf) {
  const auto* end = list.entries + list.head.count;
  const auto* found =
      std::find_if(list.entries, end, [=](const auto& row) { return row.function == leaf && row.index == subleaf; });
  return found == end ? kvm_cpuid_entry2{} : *found;
}

bool subleaf_matters(const std::vector<CpuidRow>& model, std::uint32_t leaf) {
  return std::any_of(model.begin(), model.end(),
                     [=](const CpuidRow& row) { return row.leaf == leaf && row.subleaf != 0; });
}

/// What the row has and the kernel has not.
CpuidRow lacking(const CpuidRow& row, const CpuidList& supported) {
  CpuidRow lacks{row.leaf, row.subleaf, 0, 0, 0, 0};
  const auto* end = std::end(feature_leaves);
  const auto* features = std::find_if(std::begin(feature_leaves), end, [&](const FeatureLeaf& candidate) {
    return candidate.leaf == row.leaf && candidate.subleaf == row.subleaf;
  });
  if (features == end) return lacks;
  kvm_cpuid_entry2 can = find_row(supported, row.leaf, row.subleaf);
  if (row.leaf == 1) can.ecx |= tsc_deadline | osxsave | hypervisor;
  if (features->eax) lacks.eax = row.eax & ~can.eax;
  if (features->ebx) lacks.ebx = row.ebx & ~can.ebx;
  if (features->ecx) lacks.ecx = row.ecx & ~can.ecx;
  if (features->edx) lacks.edx = row.edx & ~can.edx;
  return lacks;
}

}  // namespace

void refuse_nested(const CpuidRow& row) {
  const bool has_vmx = row.leaf == 1 && (row.ecx & vmx), has_svm = row.leaf == 0x80000001 && (row.ecx & svm);
  if (!has_vmx && !has_svm) return;
  throw EngineError{0, "KVM_SET_CPUID2",
                    std::string("the CPU model offers ") + (has_vmx ? "VMX" : "SVM") +
                        ": the state of a guest's guests is not saved"};
}

CutModel cut_model(const Vm& vm, const std::vector<CpuidRow>& model) {
  const CpuidList supported = supported_rows(vm);
  CutModel cut;
  for (CpuidRow row : model) {
    const CpuidRow lacks = lacking(row, supported);
    row.eax &= ~lacks.eax, row.ebx &= ~lacks.ebx, row.ecx &= ~lacks.ecx, row.edx &= ~lacks.edx;
    if (lacks.eax | lacks.ebx | lacks.ecx | lacks.edx) cut.masked.push_back(lacks);
    refuse_nested(row);
    cut.rows.push_back(row);
  }
  return cut;
}

void set_cpuid(const Vcpu& vcpu, std::uint32_t apic_id, const std::vector<CpuidRow>& rows) {
  CpuidList list;
  if (rows.size() > std::size(list.entries))
    throw EngineError{0, "KVM_SET_CPUID2", "the CPU model has more than 256 rows"};
  list.head.count = static_cast<__u32>(rows.size());
  for (std::size_t i = 0; i < rows.size(); i++) {
    const CpuidRow& row = rows[i];
    kvm_cpuid_entry2& entry = list.entries[i];
    entry.function = row.leaf;
    entry.index = row.subleaf;
    if (subleaf_matters(rows, row.leaf)) entry.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
    entry.eax = row.eax;
    entry.ebx = row.leaf == 1 ? (row.ebx & 0xffffff) | apic_id << 24 : row.ebx;
    entry.ecx = row.ecx;
    entry.edx = row.leaf == topology || row.leaf == topology_v2 ? apic_id : row.edx;
  }
  call(vcpu.fd(), set_cpuid2, "KVM_SET_CPUID2", &list);
}

void keep_to_cpuid(const Vm& vm, const Vcpu& vcpu) {
  if (vm.check(KVM_CAP_ENFORCE_PV_FEATURE_CPUID) == 0) return;
  kvm_enable_cap request{};
  request.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID;
  request.args[0] = 1;
  TSBHYVE_KVM(vcpu.fd(), KVM_ENABLE_CAP, &request);
}

CpuidRow supported_row(const Vm& vm, std::uint32_t leaf, std::uint32_t subleaf) {
  const kvm_cpuid_entry2 row = find_row(supported_rows(vm), leaf, subleaf);
  return {leaf, subleaf, row.eax, row.ebx, row.ecx, row.edx};
}

std::uint32_t signature(const std::vector<CpuidRow>& rows) {
  const auto found = std::find_if(rows.begin(), rows.end(), [](const CpuidRow& row) { return row.leaf == 1; });
  return found == rows.end() ? 0 : found->eax;
}

bool has_xsave(const std::vector<CpuidRow>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const CpuidRow& row) { return row.leaf == 1 && (row.ecx & xsave); });
}

}  // namespace tsbhyve::kvm
