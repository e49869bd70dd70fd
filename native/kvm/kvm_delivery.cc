// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_delivery.h"

#include <cstring>
#include <stdexcept>

namespace tsbhyve::kvm {

namespace {

struct Delivery {
  std::uint8_t interrupt, vector, soft;
  std::uint8_t exception, number, has_error_code;
  std::uint8_t zero[2];
  std::uint32_t error_code;
};
static_assert(sizeof(Delivery) == 12);

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
  if (!events.interrupt.injected && !events.exception.injected) return {};
  Delivery delivery{};
  if (events.interrupt.injected) {
    delivery.interrupt = 1;
    delivery.vector = events.interrupt.nr;
    delivery.soft = events.interrupt.soft;
  }
  if (events.exception.injected) {
    delivery.exception = 1;
    delivery.number = events.exception.nr;
    delivery.has_error_code = events.exception.has_error_code;
    delivery.error_code = events.exception.error_code;
  }
  std::vector<std::uint8_t> bytes(sizeof delivery);
  std::memcpy(bytes.data(), &delivery, sizeof delivery);
  return bytes;
}

void set_delivery(const Vcpu& vcpu, std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  Delivery delivery;
  if (bytes.size() != sizeof delivery) {
    throw std::invalid_argument("the private section of kvm has " + std::to_string(bytes.size()) +
                                " bytes: expected 0 or " + std::to_string(sizeof delivery));
  }
  std::memcpy(&delivery, bytes.data(), sizeof delivery);
  kvm_vcpu_events events{};
  TSBHYVE_KVM(vcpu.fd(), KVM_GET_VCPU_EVENTS, &events);
  events.interrupt.injected = delivery.interrupt != 0;
  events.interrupt.nr = delivery.vector;
  events.interrupt.soft = delivery.soft != 0;
  if (delivery.exception) {
    events.exception.injected = 1;
    events.exception.nr = delivery.number;
    events.exception.has_error_code = delivery.has_error_code != 0;
    events.exception.error_code = delivery.error_code;
  }
  TSBHYVE_KVM(vcpu.fd(), KVM_SET_VCPU_EVENTS, &events);
  // KVM does not look at what is being delivered to tell whether a halt is over.
  kvm_mp_state running{KVM_MP_STATE_RUNNABLE};
  TSBHYVE_KVM(vcpu.fd(), KVM_SET_MP_STATE, &running);
}

}  // namespace tsbhyve::kvm
