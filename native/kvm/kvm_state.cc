// SPDX-License-Identifier: BSD-2-Clause
// A vCPU's state out and in, and the way back to power-on.
#include <stdexcept>

#include "kvm/kvm_events.h"
#include "kvm/kvm_rows.h"
#include "kvm/kvm_vcpu.h"

namespace tsbhyve::kvm {

namespace {
bool has_events(RegisterGroup groups) {
  return static_cast<unsigned>(groups) & static_cast<unsigned>(RegisterGroup::Events);
}
}  // namespace

KvmVcpu::KvmVcpu(Surroundings all, std::uint32_t index, const Vcpu& vcpu)
    : all_(all),
      index_(index),
      vcpu_(vcpu),
      kick_(vcpu),
      tsc_(vcpu, all.clock),
      lapic_(vcpu, all.clock, tsc_),
      registers_(all.vm, vcpu, &kick_),
      exits_(vcpu, &asked_),
      acknowledged_(vcpu) {
  // KVM's own first state of the others takes no registers and hears of INIT only.
  if (index != 0) {
    kvm_mp_state waits{KVM_MP_STATE_INIT_RECEIVED};
    TSBHYVE_KVM(vcpu.fd(), KVM_SET_MP_STATE, &waits);
  }
  keep_to_cpuid(all.vm, vcpu);
  set_cpuid(vcpu, index, all.model.rows);
  registers_.set_has_xsave(has_xsave(all.model.rows));
  fpu_ = fpu_layout(all.vm, all.model.rows);
  correct_first_state();
  saved_msrs_ = saved_msrs(all.vm, vcpu);
  power_on_.registers.resize(register_count);
  get_registers(RegisterGroup::All, power_on_.registers);
  power_on_.lapic = lapic_.get();
  power_on_.fpu = get_xsave();
}

/// SDM vol. 3, table 9-1: EDX is the processor's signature, which the kernel did not know when it made the vCPU, and
/// x87 is not as FNINIT leaves it: FCW 40h, all registers valid.
void KvmVcpu::correct_first_state() {
  std::vector<std::uint64_t> registers(register_count);
  registers_.get(RegisterGroup::General, registers);
  registers[row(Register::rdx)] = signature(all_.model.rows);
  registers_.set(RegisterGroup::General, registers);
  std::vector<std::uint8_t> fpu = get_xsave();
  fpu[0] = 0x40;
  fpu[1] = 0;
  fpu[4] = 0xff;
  set_xsave(fpu);
}

void KvmVcpu::get_registers(RegisterGroup groups, std::span<std::uint64_t> values) {
  registers_.get(groups, values);
  if (!has_events(groups)) return;
  values[row(Register::external_interrupt)] = all_.external_interrupt;
  if (nmi_ && values[row(Register::run_state)] != state_wait_for_sipi) values[row(Register::nmi_pending)] = 1;
  if (shutdown_) values[row(Register::run_state)] = state_shutdown;
}

void KvmVcpu::set_registers(RegisterGroup groups, std::span<const std::uint64_t> values) {
  registers_.set(groups, values);
  if (!has_events(groups)) return;
  nmi_ = false;
  if (index_ == 0) all_.external_interrupt = values[row(Register::external_interrupt)] != 0;
  shutdown_ = values[row(Register::run_state)] == state_shutdown;
  halted_ = values[row(Register::run_state)] == state_halted;
}

/// TSC_ADJUST says how far the guest's TSC is from VM time; the kernel does not move the TSC when it is told.
void KvmVcpu::set_msrs(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& values) {
  write_msrs(vcpu_, values);
  for (const auto& [index, value] : values) {
    if (index == msr_tsc_adjust) tsc_.adjust(value);
  }
}

std::vector<std::uint64_t> KvmVcpu::get_lapic() {
  std::vector<std::uint64_t> rows = lapic_.get();
  if (index_ == 0 && all_.messages.has_levels()) all_.messages.get_ends(all_.requested_anywhere(), rows);
  return rows;
}

void KvmVcpu::set_lapic(std::span<const std::uint64_t> rows) {
  lapic_.set(rows);
  all_.messages.set_ends(index_, rows);
}

/// Its own call would wait for a KVM_RUN of another thread, and so would the question whether it has been started.
void KvmVcpu::inject_nmi() {
  nmi_ = true;
  if (kick_.bound_elsewhere()) kick();
}

void KvmVcpu::after_release() {
  tsc_.after_release();
  lapic_.after_release();
}

void KvmVcpu::reset() {
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
  doze_ = Doze::No;
}

}  // namespace tsbhyve::kvm
