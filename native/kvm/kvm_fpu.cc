// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_fpu.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>

#include "kvm/kvm_abi.h"
#include "kvm/kvm_cpuid.h"

namespace tsbhyve::kvm {

namespace {

constexpr std::size_t header_offset = 512, contract_bytes = 512 + 64;
constexpr std::uint64_t x87_and_sse = 3;  // XSTATE_BV
constexpr std::uint32_t xsave_leaf = 0xd;

/// The kernel's image, as large as it says.
std::vector<std::uint32_t> read(const Vcpu& vcpu, const FpuLayout& layout) {
  std::vector<std::uint32_t> region(layout.kernel_bytes / sizeof(std::uint32_t));
  if (layout.kernel_bytes > sizeof(XsaveRegion))
    call(vcpu.fd(), get_xsave2, "KVM_GET_XSAVE2", region.data());
  else
    call(vcpu.fd(), get_xsave, "KVM_GET_XSAVE", region.data());
  return region;
}

CpuidRow row_of(const std::vector<CpuidRow>& rows, std::uint32_t leaf, std::uint32_t subleaf) {
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [=](const CpuidRow& row) { return row.leaf == leaf && row.subleaf == subleaf; });
  return found == rows.end() ? CpuidRow{leaf, subleaf, 0, 0, 0, 0} : *found;
}

}  // namespace

/// SDM vol. 1, 13.5: subleaf n of leaf 0DH has a component's length in EAX and its place in the standard format in EBX.
/// The place is the processor's and the kernel's to say, so that a model has to agree.
FpuLayout fpu_layout(const Vm& vm, const std::vector<CpuidRow>& rows) {
  FpuLayout layout;
  layout.kernel_bytes = std::max(static_cast<std::size_t>(vm.check(KVM_CAP_XSAVE2)), sizeof(XsaveRegion));
  if (!has_xsave(rows)) return layout;
  const CpuidRow features = row_of(rows, xsave_leaf, 0);
  layout.components |= features.eax | std::uint64_t{features.edx} << 32;
  for (std::uint64_t left = layout.components & ~x87_and_sse; left != 0; left &= left - 1) {
    const auto component = static_cast<std::uint32_t>(std::countr_zero(left));
    const CpuidRow wanted = row_of(rows, xsave_leaf, component);
    const CpuidRow kernel = supported_row(vm, xsave_leaf, component);
    if (wanted.eax != kernel.eax || wanted.ebx != kernel.ebx) {
      throw EngineError{0, "KVM_SET_CPUID2",
                        "XSAVE component " + std::to_string(component) + " lies at byte " + std::to_string(kernel.ebx) +
                            " with " + std::to_string(kernel.eax) +
                            " bytes on this host, the CPU model has it at byte " + std::to_string(wanted.ebx) +
                            " with " + std::to_string(wanted.eax)};
    }
    layout.bytes = std::max(layout.bytes, std::size_t{wanted.eax} + wanted.ebx);
  }
  return layout;
}

std::vector<std::uint8_t> get_fpu(const Vcpu& vcpu, const FpuLayout& layout) {
  const std::vector<std::uint32_t> region = read(vcpu, layout);
  if (layout.bytes > region.size() * sizeof(std::uint32_t))
    throw EngineError{0, "KVM_GET_XSAVE2", "the kernel's XSAVE area is shorter than the guest's"};
  std::vector<std::uint8_t> image(std::max(layout.bytes, contract_bytes));
  std::memcpy(image.data(), region.data(), image.size());
  std::uint64_t components;
  std::memcpy(&components, image.data() + header_offset, sizeof components);
  // The kernel writes out x87 and SSE in their first state too, whatever XSTATE_BV says.
  components = (components & layout.components) | x87_and_sse;
  std::memcpy(image.data() + header_offset, &components, sizeof components);
  return image;
}

void set_fpu(const Vcpu& vcpu, const FpuLayout& layout, std::span<const std::uint8_t> image) {
  // A machine that never had more than x87 and SSE may come from an engine that knows no more.
  if (image.size() != layout.bytes && image.size() != contract_bytes) {
    throw std::invalid_argument("an XSAVE image of " + std::to_string(image.size()) + " bytes: this CPU model has " +
                                std::to_string(layout.bytes));
  }
  std::uint64_t components;
  std::memcpy(&components, image.data() + header_offset, sizeof components);
  if (components & ~(image.size() == layout.bytes ? layout.components : x87_and_sse))
    throw std::invalid_argument("the XSAVE image holds state that this CPU model lacks");
  std::vector<std::uint32_t> region(layout.kernel_bytes / sizeof(std::uint32_t));
  std::memcpy(region.data(), image.data(), image.size());
  call(vcpu.fd(), set_xsave, "KVM_SET_XSAVE", region.data());
}

}  // namespace tsbhyve::kvm
