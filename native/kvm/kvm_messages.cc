// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_messages.h"

#include <algorithm>

#include "kvm/kvm_abi.h"

namespace tsbhyve::kvm {

namespace {
constexpr std::uint32_t level_triggered = 1u << 15;  // SDM vol. 3, 10.11.2
}

void Messages::send(std::uint64_t address, std::uint32_t data) {
  if (data & level_triggered) route(address, data);
  kvm_msi message{};
  message.address_lo = static_cast<__u32>(address);
  message.address_hi = static_cast<__u32>(address >> 32);
  message.data = data;
  TSBHYVE_KVM(vm_.fd(), KVM_SIGNAL_MSI, &message);
}

void Messages::route(std::uint64_t address, std::uint32_t data) {
  const auto end = routes_.begin() + used_;
  auto found =
      std::find_if(routes_.begin(), end, [&](const Route& r) { return r.address == address && r.data == data; });
  if (found != end) {
    found->last_sent = ++sent_;
    return;
  }
  if (used_ < pins)
    found = routes_.begin() + used_++;
  else
    found = std::min_element(routes_.begin(), end,
                             [](const Route& a, const Route& b) { return a.last_sent < b.last_sent; });
  *found = {address, ++sent_, data};
  publish();
}

void Messages::publish() {
  RouteList list;
  list.head.count = static_cast<__u32>(used_);
  for (std::size_t pin = 0; pin < used_; pin++) {
    kvm_irq_routing_entry& entry = list.entries[pin];
    entry.gsi = static_cast<__u32>(pin);
    entry.type = KVM_IRQ_ROUTING_MSI;
    entry.u.msi.address_lo = static_cast<__u32>(routes_[pin].address);
    entry.u.msi.address_hi = static_cast<__u32>(routes_[pin].address >> 32);
    entry.u.msi.data = routes_[pin].data;
  }
  call(vm_.fd(), set_gsi_routing, "KVM_SET_GSI_ROUTING", &list);
}

}  // namespace tsbhyve::kvm
