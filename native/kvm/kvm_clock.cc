// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_clock.h"

#include <x86intrin.h>

#include "kvm/kvm_msr.h"

namespace tsbhyve::kvm {

namespace {

__extension__ using i128 = __int128;

constexpr std::int64_t second = 1'000'000'000;
constexpr std::uint64_t parts_tolerated = 4000;  // 1/4000 = 250 ppm, where KVM itself starts to scale

kvm_device_attr offset_attribute(std::uint64_t* value) {
  kvm_device_attr attribute{};
  attribute.group = KVM_VCPU_TSC_CTRL;
  attribute.attr = KVM_VCPU_TSC_OFFSET;
  attribute.addr = reinterpret_cast<std::uintptr_t>(value);
  return attribute;
}

}  // namespace

std::uint64_t host_tsc_hz(const Vcpu& vcpu) {
  return static_cast<std::uint64_t>(TSBHYVE_KVM(vcpu.fd(), KVM_GET_TSC_KHZ, 0)) * 1000;
}

Clock::Clock(const Vm& vm, const Vcpu& vcpu, std::uint64_t tsc_hz)
    : vcpu_(vcpu), tsc_hz_(tsc_hz), scalable_(vm.check(KVM_CAP_TSC_CONTROL) != 0) {
  const std::uint64_t host_hz = host_tsc_hz(vcpu);
  if (tsc_hz_ == 0) tsc_hz_ = host_hz;
  const std::uint64_t difference = tsc_hz_ > host_hz ? tsc_hz_ - host_hz : host_hz - tsc_hz_;
  if (difference > host_hz / parts_tolerated) {
    if (!scalable_) {
      throw EngineError{0, "KVM_SET_TSC_KHZ",
                        "the guest's TSC is to run at " + std::to_string(tsc_hz_) +
                            " Hz; this host has no TSC scaling and runs at " + std::to_string(host_hz) + " Hz"};
    }
    TSBHYVE_KVM(vcpu_.fd(), KVM_SET_TSC_KHZ, tsc_hz_ / 1000);
    scaled_ = true;
  }
  const std::uint64_t at_zero = offset() - host_ticks();
  set_offset(at_zero);
  moves_tsc_ = offset() == at_zero;
}

std::uint64_t Clock::host_ticks() const {
  if (!scaled_) return __rdtsc();
  return read_msr(vcpu_, msr_tsc) - offset();
}

std::uint64_t Clock::offset() const {
  std::uint64_t value = 0;
  kvm_device_attr attribute = offset_attribute(&value);
  TSBHYVE_KVM(vcpu_.fd(), KVM_GET_DEVICE_ATTR, &attribute);
  return value;
}

void Clock::set_offset(std::uint64_t value) {
  kvm_device_attr attribute = offset_attribute(&value);
  TSBHYVE_KVM(vcpu_.fd(), KVM_SET_DEVICE_ATTR, &attribute);
}

std::int64_t Clock::time() const {
  if (held_) return base_;
  return base_ +
         static_cast<std::int64_t>(static_cast<i128>(host_ticks() - base_ticks_) * second / static_cast<i128>(tsc_hz_));
}

std::int64_t Clock::nanoseconds(std::uint64_t ticks) const {
  const i128 rounded_up =
      (static_cast<i128>(ticks) * second + static_cast<i128>(tsc_hz_) - 1) / static_cast<i128>(tsc_hz_);
  return rounded_up > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(rounded_up);
}

std::uint64_t Clock::ticks(std::int64_t nanoseconds) const {
  return static_cast<std::uint64_t>(static_cast<i128>(nanoseconds) * static_cast<i128>(tsc_hz_) / second);
}

void Clock::set_time(std::int64_t nanoseconds) {
  const std::int64_t moved = nanoseconds - time();
  base_ += moved;
  set_guest_tsc(guest_tsc() + ticks(moved));
}

void Clock::set_guest_tsc(std::uint64_t value) {
  if (held_)
    held_tsc_ = value;
  else
    set_offset(value - host_ticks());
}

void Clock::hold(bool held) {
  if (held == held_) return;
  if (held) {
    base_ = time();
    held_tsc_ = guest_tsc();
    held_ = true;
    return;
  }
  held_ = false;
  base_ticks_ = host_ticks();
  set_offset(held_tsc_ - base_ticks_);
}

}  // namespace tsbhyve::kvm
