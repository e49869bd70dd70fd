// SPDX-License-Identifier: BSD-2-Clause
// The engine's state out and in, and the way back to power-on.
#include <stdexcept>

#include "kvm/kvm_delivery.h"
#include "kvm/kvm_engine.h"
#include "kvm/kvm_events.h"
#include "kvm/kvm_fpu.h"
#include "kvm/kvm_rows.h"

namespace tsbhyve::kvm {

namespace {
bool has_events(RegisterGroup groups) {
  return static_cast<unsigned>(groups) & static_cast<unsigned>(RegisterGroup::Events);
}
}  // namespace

void KvmEngine::get_registers(RegisterGroup groups, std::span<std::uint64_t> values) {
  registers_.get(groups, values);
  if (!has_events(groups)) return;
  values[row(Register::external_interrupt)] = external_interrupt_;
  if (shutdown_) values[row(Register::run_state)] = state_shutdown;
}

void KvmEngine::set_registers(RegisterGroup groups, std::span<const std::uint64_t> values) {
  registers_.set(groups, values);
  if (!has_events(groups)) return;
  external_interrupt_ = values[row(Register::external_interrupt)] != 0;
  shutdown_ = values[row(Register::run_state)] == state_shutdown;
  halted_ = values[row(Register::run_state)] == state_halted;
}

/// TSC_ADJUST says how far the guest's TSC is from VM time; the kernel does not move the TSC when it is told.
void KvmEngine::set_msrs(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& values) {
  write_msrs(vcpu_, values);
  for (const auto& [index, value] : values) {
    if (index == msr_tsc_adjust) clock_.adjust_tsc(value);
  }
}

std::vector<std::uint8_t> KvmEngine::get_xsave() { return get_fpu(vm_, vcpu_); }
void KvmEngine::set_xsave(std::span<const std::uint8_t> image) { set_fpu(vm_, vcpu_, image); }

std::vector<std::uint64_t> KvmEngine::get_lapic() {
  std::vector<std::uint64_t> rows = lapic_.get();
  messages_.get_ends(rows);
  return rows;
}

void KvmEngine::set_lapic(std::span<const std::uint64_t> rows) {
  lapic_.set(rows);
  messages_.set_ends(rows);
}

std::vector<std::uint8_t> KvmEngine::get_private() { return get_delivery(vcpu_, acknowledged_); }
void KvmEngine::set_private(std::span<const std::uint8_t> bytes) { set_delivery(vcpu_, bytes); }

void KvmEngine::set_shared(std::span<const std::uint8_t> bytes) {
  if (!bytes.empty()) throw std::invalid_argument("the kvm engine has no section of all vCPUs");
}

void KvmEngine::reset() {
  exits_.finished();
  awaits_vector_ = false;
  acknowledged_.forget();
  std::vector<MsrValue> msrs;
  for (const SavedMsr& msr : saved_msrs_) {
    // Neither RESET nor anything else makes TSC and VM time part.
    if (msr.index != msr_tsc_adjust) msrs.emplace_back(msr.index, msr.power_on);
  }
  set_registers(RegisterGroup::All, power_on_.registers);
  write_msrs(vcpu_, msrs);
  set_lapic(power_on_.lapic);
  set_xsave(power_on_.fpu);
}

}  // namespace tsbhyve::kvm
