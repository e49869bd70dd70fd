// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_msr.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace tsbhyve::kvm {

namespace {

/// A kvm_msrs header with its entries: storage for one KVM_GET_MSRS or KVM_SET_MSRS.
class Batch {
 public:
  explicit Batch(std::size_t count) : words_((sizeof(kvm_msrs) + count * sizeof(kvm_msr_entry)) / sizeof(std::uint64_t)) {
    head()->nmsrs = static_cast<__u32>(count);
  }
  kvm_msrs* head() { return reinterpret_cast<kvm_msrs*>(words_.data()); }
  kvm_msr_entry& operator[](std::size_t at) { return head()->entries[at]; }

 private:
  std::vector<std::uint64_t> words_;
};

struct Range {
  std::uint32_t first, last;
};

/// Not saved: their home is elsewhere, or no CPU model of ours offers the feature.
constexpr Range unsaved[] = {
    {0x11, 0x12},              // paravirtual clock, old numbers
    {msr_apic_base, msr_apic_base},  // with the LAPIC
    {0xc1, 0xc8},              // performance monitoring (no leaf 0AH)
    {0x186, 0x18d},
    {0x309, 0x30c},
    {0x38d, 0x390},
    {0x3f1, 0x3f1},
    {0x480, 0x493},            // VMX capabilities
    {0x4c1, 0x4c8},
    {msr_tsc_deadline, msr_tsc_deadline},  // with the LAPIC
    {0x40000000, 0x400001ff},  // other hypervisors' interfaces
    {0x4b564d00, 0x4b564dff},  // KVM's paravirtual interface
    {0xc0000080, 0xc0000080},  // EFER: with the control registers
    {0xc0010000, 0xc0010007},  // performance monitoring (AMD)
    {0xc0010200, 0xc001020b},
    {0xc0000300, 0xc0000303},
};

bool is_unsaved(std::uint32_t index) {
  return std::any_of(std::begin(unsaved), std::end(unsaved), [=](Range range) { return index >= range.first && index <= range.last; });
}

std::vector<std::uint32_t> kernel_list(const Vm& vm) {
  kvm_msr_list size{};
  if (ioctl(vm.system(), KVM_GET_MSR_INDEX_LIST, &size) != 0 && errno != E2BIG) throw EngineError{errno, "KVM_GET_MSR_INDEX_LIST", ""};
  std::vector<std::uint32_t> words(1 + size.nmsrs);
  static_assert(sizeof(kvm_msr_list) == sizeof(std::uint32_t));
  words[0] = size.nmsrs;
  TSBHYVE_KVM(vm.system(), KVM_GET_MSR_INDEX_LIST, words.data());
  return {words.begin() + 1, words.begin() + 1 + words[0]};
}

bool takes_back(const Vcpu& vcpu, const kvm_msr_entry& entry) {
  Batch one(1);
  one[0] = entry;
  return ioctl(vcpu.fd(), KVM_SET_MSRS, one.head()) == 1;
}

}  // namespace

std::uint64_t read_msr(const Vcpu& vcpu, std::uint32_t index) {
  Batch one(1);
  one[0].index = index;
  if (TSBHYVE_KVM(vcpu.fd(), KVM_GET_MSRS, one.head()) != 1) throw EngineError{0, "KVM_GET_MSRS", "MSR " + std::to_string(index)};
  return one[0].data;
}

void write_msr(const Vcpu& vcpu, std::uint32_t index, std::uint64_t value) { write_msrs(vcpu, {{index, value}}); }

std::vector<std::uint32_t> saved_msrs(const Vm& vm, const Vcpu& vcpu) {
  std::vector<std::uint32_t> saved;
  for (const std::uint32_t index : kernel_list(vm)) {
    if (is_unsaved(index)) continue;
    Batch one(1);
    one[0].index = index;
    if (ioctl(vcpu.fd(), KVM_GET_MSRS, one.head()) != 1) continue;
    if (index == msr_tsc || takes_back(vcpu, one[0])) saved.push_back(index);
  }
  std::sort(saved.begin(), saved.end());
  return saved;
}

std::vector<MsrValue> read_msrs(const Vcpu& vcpu, const std::vector<std::uint32_t>& indexes) {
  Batch batch(indexes.size());
  for (std::size_t at = 0; at < indexes.size(); at++) batch[at].index = indexes[at];
  const auto read = static_cast<std::size_t>(TSBHYVE_KVM(vcpu.fd(), KVM_GET_MSRS, batch.head()));
  if (read != indexes.size()) throw EngineError{0, "KVM_GET_MSRS", "MSR " + std::to_string(indexes[read]) + " can no longer be read"};
  std::vector<MsrValue> values;
  values.reserve(read);
  for (std::size_t at = 0; at < read; at++) values.emplace_back(batch[at].index, batch[at].data);
  return values;
}

void write_msrs(const Vcpu& vcpu, const std::vector<MsrValue>& values) {
  if (values.empty()) return;
  Batch batch(values.size());
  for (std::size_t at = 0; at < values.size(); at++) {
    batch[at].index = values[at].first;
    batch[at].data = values[at].second;
  }
  const auto written = static_cast<std::size_t>(TSBHYVE_KVM(vcpu.fd(), KVM_SET_MSRS, batch.head()));
  if (written == values.size()) return;
  char text[96];
  std::snprintf(text, sizeof text, "MSR %#x: the kernel does not take the value %#llx", values[written].first,
                static_cast<unsigned long long>(values[written].second));
  throw std::invalid_argument(text);
}

}  // namespace tsbhyve::kvm
