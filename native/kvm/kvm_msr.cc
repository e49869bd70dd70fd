// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_msr.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <set>
#include <span>
#include <stdexcept>

#include "kvm/kvm_abi.h"

namespace tsbhyve::kvm {

namespace {

struct Range {
  std::uint32_t first, last;
};

/// Not saved: their home is elsewhere, or no CPU model of ours offers the feature.
constexpr Range unsaved[] = {
    {msr_tsc, msr_tsc},              // VM time plus TSC_ADJUST
    {0x11, 0x12},                    // paravirtual clock, old numbers
    {msr_apic_base, msr_apic_base},  // with the LAPIC
    {0xc1, 0xc8},                    // performance monitoring (no leaf 0AH)
    {0x186, 0x18d},
    {0x309, 0x30c},
    {0x38d, 0x390},
    {0x3f1, 0x3f1},
    {0x480, 0x493},  // VMX capabilities
    {0x4c1, 0x4c8},
    {msr_tsc_deadline, msr_tsc_deadline},  // with the LAPIC
    {0x40000000, 0x400001ff},              // other hypervisors' interfaces
    {0x4b564d00, 0x4b564dff},              // KVM's paravirtual interface
    {0xc0000080, 0xc0000080},              // EFER: with the control registers
    {0xc0000100, 0xc0000101},              // FS and GS base: with the segments
    {0xc0010000, 0xc0010007},              // performance monitoring (AMD)
    {0xc0010200, 0xc001020b},
    {0xc0000300, 0xc0000303},
};

/// Saved by every engine that has them: what the SDM's architecture gives each CPU model of ours. The kernel's list
/// leaves some out.
constexpr Range common[] = {
    {msr_tsc_adjust, msr_tsc_adjust},
    {0x174, 0x176},  // SYSENTER
    {0x17a, 0x17a},  // MCG_STATUS
    {0x1a0, 0x1a0},  // MISC_ENABLE
    {0x1d9, 0x1d9},  // DEBUGCTL
    {0x200, 0x20f},  // variable MTRRs
    {0x250, 0x250},  // fixed MTRRs
    {0x258, 0x259},
    {0x268, 0x26f},
    {0x277, 0x277},            // PAT
    {0x2ff, 0x2ff},            // MTRR_DEF_TYPE
    {0xc0000081, 0xc0000084},  // STAR, LSTAR, CSTAR, FMASK
    {0xc0000102, 0xc0000103},  // KERNEL_GS_BASE, TSC_AUX
};

bool is_in(std::span<const Range> ranges, std::uint32_t index) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [=](Range range) { return index >= range.first && index <= range.last; });
}

std::string hex(const char* what, std::uint64_t value) {
  char text[64];
  std::snprintf(text, sizeof text, "%s %#llx", what, static_cast<unsigned long long>(value));
  return text;
}

std::vector<std::uint32_t> kernel_list(const Vm& vm) {
  MsrIndexList list;
  list.head.count = static_cast<__u32>(std::size(list.entries));
  call(vm.system(), get_msr_index_list, "KVM_GET_MSR_INDEX_LIST", &list);
  return {list.entries, list.entries + list.head.count};
}

MsrList list_of(std::size_t count) {
  MsrList list;
  if (count > std::size(list.entries))
    throw std::invalid_argument(std::to_string(count) + " MSRs: KVM moves at most 255 in one call");
  list.head.count = static_cast<__u32>(count);
  return list;
}

bool try_read(const Vcpu& vcpu, MsrList& one) { return ioctl(vcpu.fd(), get_msrs, &one) == 1; }
bool try_write(const Vcpu& vcpu, MsrList& one) { return ioctl(vcpu.fd(), set_msrs, &one) == 1; }

}  // namespace

std::uint64_t read_msr(const Vcpu& vcpu, std::uint32_t index) {
  std::uint64_t value;
  read_msrs(vcpu, {&index, 1}, {&value, 1});
  return value;
}

void read_msrs(const Vcpu& vcpu, std::span<const std::uint32_t> indexes, std::span<std::uint64_t> values) {
  MsrList list = list_of(indexes.size());
  for (std::size_t at = 0; at < indexes.size(); at++) list.entries[at].index = indexes[at];
  const auto read = static_cast<std::size_t>(call(vcpu.fd(), get_msrs, "KVM_GET_MSRS", &list));
  if (read != indexes.size()) throw EngineError{0, "KVM_GET_MSRS", hex("MSR", indexes[read]) + " can not be read"};
  for (std::size_t at = 0; at < read; at++) values[at] = list.entries[at].data;
}

void write_msr(const Vcpu& vcpu, std::uint32_t index, std::uint64_t value) { write_msrs(vcpu, {{index, value}}); }

std::vector<SavedMsr> saved_msrs(const Vm& vm, const Vcpu& vcpu) {
  const std::vector<std::uint32_t> listed = kernel_list(vm);
  std::set<std::uint32_t> candidates(listed.begin(), listed.end());
  for (const Range& range : common) {
    for (std::uint32_t index = range.first; index <= range.last; index++) candidates.insert(index);
  }
  std::vector<SavedMsr> saved;
  for (const std::uint32_t index : candidates) {
    if (is_in(unsaved, index)) continue;
    MsrList one = list_of(1);
    one.entries[0].index = index;
    if (!try_read(vcpu, one)) continue;
    const std::uint64_t power_on = one.entries[0].data;
    if (try_write(vcpu, one)) saved.push_back({index, is_in(common, index), power_on});
  }
  return saved;
}

std::vector<MsrValue> read_msrs(const Vcpu& vcpu, const std::vector<SavedMsr>& saved) {
  MsrList list = list_of(saved.size());
  for (std::size_t at = 0; at < saved.size(); at++) list.entries[at].index = saved[at].index;
  const auto read = static_cast<std::size_t>(call(vcpu.fd(), get_msrs, "KVM_GET_MSRS", &list));
  if (read != saved.size())
    throw EngineError{0, "KVM_GET_MSRS", hex("MSR", saved[read].index) + " can no longer be read"};
  std::vector<MsrValue> values;
  for (std::size_t at = 0; at < read; at++) {
    if (saved[at].common || list.entries[at].data != saved[at].power_on)
      values.emplace_back(list.entries[at].index, list.entries[at].data);
  }
  return values;
}

void write_msrs(const Vcpu& vcpu, const std::vector<MsrValue>& values) {
  if (values.empty()) return;
  MsrList list = list_of(values.size());
  for (std::size_t at = 0; at < values.size(); at++) {
    list.entries[at].index = values[at].first;
    list.entries[at].data = values[at].second;
  }
  const auto written = static_cast<std::size_t>(call(vcpu.fd(), set_msrs, "KVM_SET_MSRS", &list));
  if (written == values.size()) return;
  throw std::invalid_argument(hex("MSR", values[written].first) + ": the kernel does not take" +
                              hex(" the value", values[written].second));
}

}  // namespace tsbhyve::kvm
