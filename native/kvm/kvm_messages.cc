// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_messages.h"

#include <algorithm>

#include "engine/lapic_state.h"
#include "kvm/kvm_abi.h"

namespace tsbhyve::kvm {

namespace {
constexpr std::uint32_t level_triggered = 1u << 15;  // SDM vol. 3, 10.11.2
constexpr std::uint64_t message_base = 0xfee00000;

constexpr std::size_t index_of(LapicRow row) { return static_cast<std::size_t>(row); }

bool has_vector(std::span<const std::uint64_t> rows, LapicRow row, std::size_t vector) {
  return rows[index_of(row) + vector / 32] >> vector % 32 & 1;
}

bool is_alive(std::span<const std::uint64_t> rows, std::size_t vector) {
  return has_vector(rows, LapicRow::request, vector) || has_vector(rows, LapicRow::in_service, vector);
}
}  // namespace

void Messages::send(std::uint64_t address, std::uint32_t data) {
  if (data & level_triggered) route(address, data);
  kvm_msi message{};
  message.address_lo = static_cast<__u32>(address);
  message.address_hi = static_cast<__u32>(address >> 32);
  message.data = data;
  const bool accepted = TSBHYVE_KVM(vm_.fd(), KVM_SIGNAL_MSI, &message) > 0;
  if (accepted && (data & level_triggered)) sent_levels_.set(data & 0xff);
}

void Messages::get_ends(std::span<std::uint64_t> lapic_rows) const {
  for (std::size_t vector = 0; vector < sent_levels_.size(); vector++) {
    const bool ended = untold_[vector] || (sent_levels_[vector] && !is_alive(lapic_rows, vector));
    lapic_rows[index_of(LapicRow::ended_levels) + vector / 32] |= std::uint64_t{ended} << vector % 32;
  }
}

void Messages::set_ends(std::span<const std::uint64_t> lapic_rows) {
  sent_levels_.reset();
  untold_.reset();
  const std::uint64_t id = lapic_rows[index_of(LapicRow::id)];
  for (std::size_t vector = 0; vector < sent_levels_.size(); vector++) {
    if (has_vector(lapic_rows, LapicRow::ended_levels, vector)) untold_.set(vector);
    if (!has_vector(lapic_rows, LapicRow::trigger_mode, vector) || !is_alive(lapic_rows, vector)) continue;
    sent_levels_.set(vector);
    route(message_base | id << 12, level_triggered | static_cast<std::uint32_t>(vector));
  }
}

void Messages::tell_ends_of_halted(std::span<const std::uint64_t> lapic_rows) {
  for (std::size_t vector = 0; vector < sent_levels_.size(); vector++) {
    if (!sent_levels_[vector] || is_alive(lapic_rows, vector)) continue;
    sent_levels_.reset(vector);
    untold_.set(vector);
  }
}

int Messages::take_untold() {
  if (untold_.none()) return -1;
  const std::size_t vector = untold_._Find_first();
  untold_.reset(vector);
  return static_cast<int>(vector);
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
