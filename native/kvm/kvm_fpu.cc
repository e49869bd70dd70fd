// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_fpu.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "kvm/kvm_abi.h"

namespace tsbhyve::kvm {

namespace {

constexpr std::size_t contract_bytes = 512 + 64, header_offset = 512;
constexpr std::uint64_t x87_and_sse = 3;  // XSTATE_BV

/// The kernel's image, as large as it says.
std::vector<std::uint32_t> read(const Vm& vm, const Vcpu& vcpu) {
  const auto needed = static_cast<std::size_t>(vm.check(KVM_CAP_XSAVE2));
  std::vector<std::uint32_t> region(std::max(needed, sizeof(XsaveRegion)) / sizeof(std::uint32_t));
  if (needed > sizeof(XsaveRegion))
    call(vcpu.fd(), get_xsave2, "KVM_GET_XSAVE2", region.data());
  else
    call(vcpu.fd(), get_xsave, "KVM_GET_XSAVE", region.data());
  return region;
}

}  // namespace

std::vector<std::uint8_t> get_fpu(const Vm& vm, const Vcpu& vcpu) {
  const std::vector<std::uint32_t> region = read(vm, vcpu);
  std::vector<std::uint8_t> image(contract_bytes);
  std::memcpy(image.data(), region.data(), image.size());
  // The kernel writes out components in their first state too, whatever XSTATE_BV says.
  std::memcpy(image.data() + header_offset, &x87_and_sse, sizeof x87_and_sse);
  return image;
}

void set_fpu(const Vm& vm, const Vcpu& vcpu, std::span<const std::uint8_t> image) {
  if (image.size() < contract_bytes) throw std::invalid_argument("an XSAVE image has at least 576 bytes");
  std::uint64_t components;
  std::memcpy(&components, image.data() + header_offset, sizeof components);
  if (components & ~x87_and_sse) throw std::invalid_argument("the XSAVE image holds state that this CPU model lacks");
  std::vector<std::uint32_t> region(read(vm, vcpu).size());
  std::memcpy(region.data(), image.data(), contract_bytes);
  call(vcpu.fd(), set_xsave, "KVM_SET_XSAVE", region.data());
}

}  // namespace tsbhyve::kvm
