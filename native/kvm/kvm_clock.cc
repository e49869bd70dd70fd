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

std::uint64_t offset_of(const Vcpu& vcpu) {
  std::uint64_t value = 0;
  kvm_device_attr attribute = offset_attribute(&value);
  TSBHYVE_KVM(vcpu.fd(), KVM_GET_DEVICE_ATTR, &attribute);
  return value;
}

}  // namespace

std::uint64_t host_tsc_hz(const Vcpu& vcpu) {
  return static_cast<std::uint64_t>(TSBHYVE_KVM(vcpu.fd(), KVM_GET_TSC_KHZ, 0)) * 1000;
}

Clock::Clock(const Vm& vm, const Vcpu& first, std::uint64_t tsc_hz)
    : first_(first), tsc_hz_(tsc_hz), scalable_(vm.check(KVM_CAP_TSC_CONTROL) != 0) {
  const std::uint64_t host_hz = host_tsc_hz(first);
  if (tsc_hz_ == 0) tsc_hz_ = host_hz;
  rate_ = tsc_hz_;
  const std::uint64_t difference = tsc_hz_ > host_hz ? tsc_hz_ - host_hz : host_hz - tsc_hz_;
  if (difference <= host_hz / parts_tolerated) return;
  if (!scalable_) {
    throw EngineError{0, "KVM_SET_TSC_KHZ",
                      "the guest's TSC is to run at " + std::to_string(tsc_hz_) +
                          " Hz; this host has no TSC scaling and runs at " + std::to_string(host_hz) + " Hz"};
  }
  scaled_ = true;
  rate_ = host_hz;
}

/// The kernel's ratio is its own, so a scaled TSC is read from it: a system call, for which no vCPU may run. Time does
/// without: both rates are exact, and the ratio's rounding is less than 20 microseconds a day.
std::uint64_t Clock::host_ticks() const { return scaled_ ? read_msr(first_, msr_tsc) - offset_of(first_) : __rdtsc(); }

std::int64_t Clock::time_at(std::uint64_t stamp) const {
  return base_ + static_cast<std::int64_t>(static_cast<i128>(stamp - base_stamp_) * second / static_cast<i128>(rate_));
}

std::int64_t Clock::time() const { return held_ ? base_ : time_at(__rdtsc()); }

std::int64_t Clock::nanoseconds(std::uint64_t ticks) const {
  const i128 rounded_up =
      (static_cast<i128>(ticks) * second + static_cast<i128>(tsc_hz_) - 1) / static_cast<i128>(tsc_hz_);
  return rounded_up > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(rounded_up);
}

std::uint64_t Clock::ticks_in(std::int64_t nanoseconds) const {
  return static_cast<std::uint64_t>(static_cast<i128>(nanoseconds) * static_cast<i128>(tsc_hz_) / second);
}

void Clock::set_time(std::int64_t nanoseconds) { base_ += nanoseconds - time(); }

void Clock::hold(bool held) {
  if (held == held_) return;
  const std::uint64_t stamp = __rdtsc();
  then_ = scaled_ ? host_ticks() : stamp;
  if (held)
    base_ = time_at(stamp);
  else
    base_stamp_ = stamp;
  held_ = held;
}

GuestTsc::GuestTsc(const Vcpu& vcpu, const Clock& clock) : vcpu_(vcpu), clock_(clock) {
  if (clock.scaled_khz() != 0) TSBHYVE_KVM(vcpu_.fd(), KVM_SET_TSC_KHZ, clock.scaled_khz());
  const std::uint64_t before = offset(), moved = before - second;
  set_offset(moved);
  can_move_ = offset() == moved;
}

std::uint64_t GuestTsc::offset() const { return offset_of(vcpu_); }

void GuestTsc::set_offset(std::uint64_t value) {
  kvm_device_attr attribute = offset_attribute(&value);
  TSBHYVE_KVM(vcpu_.fd(), KVM_SET_DEVICE_ATTR, &attribute);
}

std::uint64_t GuestTsc::value() const { return clock_.held() ? held_ : clock_.ticks() + offset(); }

void GuestTsc::set(std::uint64_t value) {
  if (clock_.held())
    held_ = value;
  else
    set_offset(value - clock_.ticks());
}

void GuestTsc::move(std::uint64_t by) {
  if (clock_.held())
    held_ += by;
  else
    set_offset(offset() + by);
}

void GuestTsc::after_hold() { held_ = clock_.ticks_then() + offset(); }
void GuestTsc::after_release() { set_offset(held_ - clock_.ticks_then()); }

}  // namespace tsbhyve::kvm
