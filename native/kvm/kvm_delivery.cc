// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_delivery.h"

#include <cstddef>
#include <cstring>
#include <stdexcept>

namespace tsbhyve::kvm {

namespace {

/// Part of the saved state. Snapshots of before have the first 12 bytes only.
struct Delivery {
  std::uint8_t interrupt, vector, soft;
  std::uint8_t injected, number, has_error_code;
  std::uint8_t pending, has_payload;
  std::uint32_t error_code;
  std::uint8_t in_smm, smi_pending, smm_inside_nmi, triple_fault;
  std::uint64_t payload;
};
constexpr std::size_t first_form = 12;
static_assert(sizeof(Delivery) == 24 && offsetof(Delivery, in_smm) == first_form && offsetof(Delivery, payload) == 16);

constexpr __u8 debug_exception = 1;

/// The register row pending_debug has this one.
bool is_row(const kvm_vcpu_events& events) {
  return events.exception.nr == debug_exception && events.exception_has_payload && !events.exception.injected;
}

Delivery delivery_of(const kvm_vcpu_events& events) {
  Delivery delivery{};
  if (events.interrupt.injected) {
    delivery.interrupt = 1;
    delivery.vector = events.interrupt.nr;
    delivery.soft = events.interrupt.soft;
  }
  const bool has_exception = events.exception.injected || events.exception.pending;
  if (has_exception && !is_row(events)) {
    delivery.injected = events.exception.injected != 0;
    delivery.pending = events.exception.pending != 0;
    delivery.number = events.exception.nr;
    delivery.has_error_code = events.exception.has_error_code != 0;
    delivery.error_code = delivery.has_error_code ? events.exception.error_code : 0;
    delivery.has_payload = events.exception_has_payload != 0;
    delivery.payload = delivery.has_payload ? events.exception_payload : 0;
  }
  delivery.in_smm = events.smi.smm != 0;
  delivery.smi_pending = events.smi.pending != 0;
  delivery.smm_inside_nmi = events.smi.smm_inside_nmi != 0;
  delivery.triple_fault = (events.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) && events.triple_fault.pending;
  return delivery;
}

void put(const Delivery& delivery, kvm_vcpu_events& events) {
  events.interrupt.injected = delivery.interrupt != 0;
  events.interrupt.nr = delivery.vector;
  events.interrupt.soft = delivery.soft != 0;
  if (delivery.injected || delivery.pending) {
    events.exception.injected = delivery.injected != 0;
    events.exception.pending = delivery.pending != 0;
    events.exception.nr = delivery.number;
    events.exception.has_error_code = delivery.has_error_code != 0;
    events.exception.error_code = delivery.error_code;
    events.exception_has_payload = delivery.has_payload != 0;
    events.exception_payload = delivery.payload;
    events.flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
  }
  if (delivery.in_smm || delivery.smi_pending) {
    events.smi.smm = delivery.in_smm != 0;
    events.smi.pending = delivery.smi_pending != 0;
    events.smi.smm_inside_nmi = delivery.smm_inside_nmi != 0;
    events.flags |= KVM_VCPUEVENT_VALID_SMM;
  }
  if (delivery.triple_fault) {
    events.triple_fault.pending = 1;
    events.flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
  }
}

}  // namespace

void AcknowledgedVector::set(std::uint8_t vector) {
  waiting_ = vector;
  vcpu_.run().ready_for_interrupt_injection = 0;
}

void AcknowledgedVector::hand_over(std::uint64_t rip) {
  if (!waiting_) return;
  kvm_interrupt interrupt{*waiting_};
  TSBHYVE_KVM(vcpu_.fd(), KVM_INTERRUPT, &interrupt);
  kept_ = waiting_;
  rip_ = rip;
  waiting_.reset();
}

void AcknowledgedVector::after_run(std::uint64_t rip) {
  if (!kept_) return;
  const kvm_run& run = vcpu_.run();
  if (rip_ != rip || !run.if_flag || run.ready_for_interrupt_injection) kept_.reset();
}

std::vector<std::uint8_t> get_delivery(const Vcpu& vcpu, const AcknowledgedVector& acknowledged) {
  kvm_vcpu_events events{};
  TSBHYVE_KVM(vcpu.fd(), KVM_GET_VCPU_EVENTS, &events);
  if (const auto vector = acknowledged.pending(); vector && !events.interrupt.injected) {
    events.interrupt.injected = 1;
    events.interrupt.nr = *vector;
    events.interrupt.soft = 0;
  }
  const Delivery delivery = delivery_of(events), nothing{};
  if (std::memcmp(&delivery, &nothing, sizeof delivery) == 0) return {};
  std::vector<std::uint8_t> bytes(sizeof delivery);
  std::memcpy(bytes.data(), &delivery, sizeof delivery);
  return bytes;
}

void set_delivery(const Vcpu& vcpu, std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  Delivery delivery{};
  if (bytes.size() != sizeof delivery && bytes.size() != first_form) {
    throw std::invalid_argument("the private section of kvm has " + std::to_string(bytes.size()) +
                                " bytes: expected 0, " + std::to_string(first_form) + " or " +
                                std::to_string(sizeof delivery));
  }
  std::memcpy(&delivery, bytes.data(), bytes.size());
  kvm_vcpu_events events{};
  TSBHYVE_KVM(vcpu.fd(), KVM_GET_VCPU_EVENTS, &events);
  put(delivery, events);
  TSBHYVE_KVM(vcpu.fd(), KVM_SET_VCPU_EVENTS, &events);
  // KVM does not look at what is being delivered to tell whether a halt is over.
  kvm_mp_state running{KVM_MP_STATE_RUNNABLE};
  TSBHYVE_KVM(vcpu.fd(), KVM_SET_MP_STATE, &running);
}

}  // namespace tsbhyve::kvm
