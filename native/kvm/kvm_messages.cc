// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_messages.h"

#include <algorithm>

#include "engine/lapic_state.h"
#include "kvm/kvm_abi.h"

namespace tsbhyve::kvm {

namespace {
constexpr std::uint32_t level_triggered = 1u << 15, delivery_mode = 7u << 8;  // SDM vol. 3, 10.11.2
constexpr std::uint32_t logical = 1u << 2;
constexpr std::uint64_t message_base = 0xfee00000;

constexpr std::size_t index_of(LapicRow row) { return static_cast<std::size_t>(row); }

bool has_vector(std::span<const std::uint64_t> rows, LapicRow row, std::size_t vector) {
  return rows[index_of(row) + vector / 32] >> vector % 32 & 1;
}

}  // namespace

std::bitset<256> alive_in(std::span<const std::uint64_t> rows) {
  std::bitset<256> alive;
  for (std::size_t vector = 0; vector < alive.size(); vector++) {
    alive[vector] = has_vector(rows, LapicRow::request, vector) || has_vector(rows, LapicRow::in_service, vector);
  }
  return alive;
}

void Messages::send(std::uint64_t address, std::uint32_t data) {
  kvm_msi message{};
  message.address_lo = static_cast<__u32>(address);
  message.address_hi = static_cast<__u32>(address >> 32);
  message.data = data;
  if (!(data & level_triggered)) {
    deliver(message);
    return;
  }
  const std::lock_guard guard(lock_);
  route(address, data);
  if (deliver(message)) levels_of(message).set(data & 0xff);
}

/// False: lost, as on the bus. KVM_SIGNAL_MSI (KVM's API, 4.70) gives 0 where the guest keeps it out, and -1, which is
/// EPERM, where no local APIC has that destination.
bool Messages::deliver(kvm_msi message) const {
  try {
    return TSBHYVE_KVM(vm_.fd(), KVM_SIGNAL_MSI, &message) > 0;
  } catch (const EngineError& error) {
    if (error.number == EPERM) return false;
    throw;
  }
}

/// SDM vol. 3, 10.11.1: the destination is bits 12-19, and one APIC's id unless bit 2 or the delivery mode says else.
Messages::Vectors& Messages::levels_of(const kvm_msi& message) {
  const std::size_t vcpus = levels_.size() - 1, destination = message.address_lo >> 12 & 0xff;
  const bool is_one = !(message.address_lo & logical) && !(message.data & delivery_mode) && destination < vcpus;
  return vcpus == 1 ? levels_[0] : levels_[is_one ? destination : vcpus];
}

Messages::Vectors Messages::sent() const {
  Vectors all;
  for (const Vectors& levels : levels_) all |= levels;
  return all;
}

void Messages::ended(std::uint8_t vector) {
  const std::lock_guard guard(lock_);
  for (Vectors& levels : levels_) levels.reset(vector);
}

bool Messages::expects_ends(std::size_t vcpu) const {
  const std::lock_guard guard(lock_);
  return levels_[vcpu].any();
}

bool Messages::has_levels() const {
  const std::lock_guard guard(lock_);
  return untold_.any() || sent().any();
}

void Messages::get_ends(const Vectors& alive, std::span<std::uint64_t> lapic_rows) const {
  const std::lock_guard guard(lock_);
  const Vectors ended = untold_ | (sent() & ~alive);
  for (std::size_t vector = 0; vector < ended.size(); vector++) {
    lapic_rows[index_of(LapicRow::ended_levels) + vector / 32] |= std::uint64_t{ended[vector]} << vector % 32;
  }
}

void Messages::set_ends(std::size_t vcpu, std::span<const std::uint64_t> lapic_rows) {
  const std::lock_guard guard(lock_);
  if (vcpu == 0) {
    untold_.reset();
    levels_.back().reset();
  }
  levels_[vcpu].reset();
  const std::uint64_t id = lapic_rows[index_of(LapicRow::id)];
  const Vectors alive = alive_in(lapic_rows);
  for (std::size_t vector = 0; vector < alive.size(); vector++) {
    if (has_vector(lapic_rows, LapicRow::ended_levels, vector)) untold_.set(vector);
    if (!has_vector(lapic_rows, LapicRow::trigger_mode, vector) || !alive[vector]) continue;
    levels_[vcpu].set(vector);
    route(message_base | id << 12, level_triggered | static_cast<std::uint32_t>(vector));
  }
}

bool Messages::tell_ends_of_halted(std::size_t vcpu, const Vectors& alive) {
  const std::lock_guard guard(lock_);
  untold_ |= levels_[vcpu] & ~alive;
  levels_[vcpu] &= alive;
  return untold_.any();
}

int Messages::take_untold() {
  const std::lock_guard guard(lock_);
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
