// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_registers.h"

#include <stdexcept>
#include <string>

#include "kvm/kvm_events.h"
#include "kvm/kvm_rows.h"

namespace tsbhyve::kvm {

namespace {

constexpr std::uint64_t cr0_pg = 1ull << 31, cr4_pae = 1 << 5, efer_lma = 1 << 10;

bool has(RegisterGroup groups, RegisterGroup group) {
  return static_cast<unsigned>(groups) & static_cast<unsigned>(group);
}

/// Parts of the run page that groups live in. CR8 and the control registers share SREGS with the segments.
std::uint64_t parts_of(RegisterGroup groups) {
  std::uint64_t parts = 0;
  if (has(groups, RegisterGroup::General)) parts |= KVM_SYNC_X86_REGS;
  if (has(groups, RegisterGroup::Segments) || has(groups, RegisterGroup::Control)) parts |= KVM_SYNC_X86_SREGS;
  if (has(groups, RegisterGroup::Events)) parts |= KVM_SYNC_X86_EVENTS;
  return parts;
}

bool pae_paging(const kvm_sregs& sregs) {
  return (sregs.cr0 & cr0_pg) && (sregs.cr4 & cr4_pae) && !(sregs.efer & efer_lma);
}

std::uint64_t xcr0(const Vcpu& vcpu) {
  kvm_xcrs xcrs{};
  TSBHYVE_KVM(vcpu.fd(), KVM_GET_XCRS, &xcrs);
  return xcrs.xcrs[0].value;
}

void set_xcr0(const Vcpu& vcpu, std::uint64_t value) {
  kvm_xcrs xcrs{};
  xcrs.nr_xcrs = 1;
  xcrs.xcrs[0].value = value;
  TSBHYVE_KVM(vcpu.fd(), KVM_SET_XCRS, &xcrs);
}

}  // namespace

Registers::Registers(const Vm& vm, const Vcpu& vcpu, Kick* kick) : vcpu_(vcpu), kick_(kick) {
  constexpr int wanted = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
  synced_ = (vm.check(KVM_CAP_SYNC_REGS) & wanted) == wanted;
  sync_general();
}

void Registers::sync_general() { vcpu_.run().kvm_valid_regs = synced_ ? KVM_SYNC_X86_REGS : 0; }

void Registers::load(std::uint64_t parts) {
  if (parts == 0) return;
  if (uses_page()) {
    vcpu_.run().kvm_valid_regs = parts;
    kick_->finish();
    sync_general();
    return;
  }
  if (parts & KVM_SYNC_X86_REGS) TSBHYVE_KVM(vcpu_.fd(), KVM_GET_REGS, &page().regs);
  if (parts & KVM_SYNC_X86_SREGS) TSBHYVE_KVM(vcpu_.fd(), KVM_GET_SREGS, &page().sregs);
  if (parts & KVM_SYNC_X86_EVENTS) TSBHYVE_KVM(vcpu_.fd(), KVM_GET_VCPU_EVENTS, &page().events);
}

void Registers::store(std::uint64_t parts) {
  if (parts == 0) return;
  if (uses_page()) {
    vcpu_.run().kvm_dirty_regs = parts;
    try {
      kick_->finish();
    } catch (const EngineError& error) {
      vcpu_.run().kvm_dirty_regs = 0;  // or every later KVM_RUN would fail too
      throw EngineError{error.number, error.call, "the registers do not go together"};
    }
    return;
  }
  if (parts & KVM_SYNC_X86_SREGS) TSBHYVE_KVM(vcpu_.fd(), KVM_SET_SREGS, &page().sregs);
  if (parts & KVM_SYNC_X86_REGS) TSBHYVE_KVM(vcpu_.fd(), KVM_SET_REGS, &page().regs);
  if (parts & KVM_SYNC_X86_EVENTS) TSBHYVE_KVM(vcpu_.fd(), KVM_SET_VCPU_EVENTS, &page().events);
}

void Registers::get(RegisterGroup groups, std::span<std::uint64_t> values) {
  kvm_mp_state run_state{};  // first: asking takes a pending INIT or SIPI, which changes the registers
  if (has(groups, RegisterGroup::Events)) TSBHYVE_KVM(vcpu_.fd(), KVM_GET_MP_STATE, &run_state);
  load(parts_of(groups));
  const RowReader read{values};
  if (has(groups, RegisterGroup::General)) general_rows(page().regs, read);
  if (has(groups, RegisterGroup::Segments)) segment_rows(page().sregs, read);
  if (has(groups, RegisterGroup::Control)) {
    control_rows(page().sregs, read);
    values[row(Register::xcr0)] = has_xsave_ ? xcr0(vcpu_) : 3;
    get_pdptes(values);
  }
  if (has(groups, RegisterGroup::Debug)) {
    kvm_debugregs debug{};
    TSBHYVE_KVM(vcpu_.fd(), KVM_GET_DEBUGREGS, &debug);
    debug_rows(debug, read);
  }
  if (has(groups, RegisterGroup::Events)) get_events(page().events, run_state, values);
}

void Registers::set(RegisterGroup groups, std::span<const std::uint64_t> values) {
  const std::uint64_t parts = parts_of(groups);
  load(parts);
  const RowWriter write{values};
  if (has(groups, RegisterGroup::General)) general_rows(page().regs, write);
  if (has(groups, RegisterGroup::Segments)) segment_rows(page().sregs, write);
  if (has(groups, RegisterGroup::Control)) {
    control_rows(page().sregs, write);
    const std::uint64_t wanted = values[row(Register::xcr0)];
    if (has_xsave_)
      set_xcr0(vcpu_, wanted);
    else if (wanted != 3)
      throw std::invalid_argument("xcr0: " + std::to_string(wanted) + ", but this CPU model has no XSAVE: expected 3");
  }
  if (has(groups, RegisterGroup::Events)) {
    set_events(page().events, values);
    for (auto& word : page().sregs.interrupt_bitmap) word = 0;  // restated by the events part
  }
  store(parts);
  if (has(groups, RegisterGroup::Control)) set_pdptes(values);
  if (has(groups, RegisterGroup::Debug)) {
    kvm_debugregs debug{};
    debug_rows(debug, write);
    TSBHYVE_KVM(vcpu_.fd(), KVM_SET_DEBUGREGS, &debug);
  }
  if (has(groups, RegisterGroup::Events)) {
    kvm_mp_state run_state = run_state_of(values);
    TSBHYVE_KVM(vcpu_.fd(), KVM_SET_MP_STATE, &run_state);
  }
}

/// Only PAE paging has page-directory-pointer registers (SDM vol. 3, 4.4.1); otherwise the rows are 0.
void Registers::get_pdptes(std::span<std::uint64_t> values) {
  kvm_sregs2 sregs{};
  if (pae_paging(page().sregs)) TSBHYVE_KVM(vcpu_.fd(), KVM_GET_SREGS2, &sregs);
  for (std::size_t i = 0; i < 4; i++) values[row(Register::pdpte0) + i] = sregs.pdptrs[i];
}

void Registers::set_pdptes(std::span<const std::uint64_t> values) {
  if (!pae_paging(page().sregs)) return;
  kvm_sregs2 sregs{};
  TSBHYVE_KVM(vcpu_.fd(), KVM_GET_SREGS2, &sregs);
  sregs.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
  for (std::size_t i = 0; i < 4; i++) sregs.pdptrs[i] = values[row(Register::pdpte0) + i];
  TSBHYVE_KVM(vcpu_.fd(), KVM_SET_SREGS2, &sregs);
}

std::uint32_t Registers::mp_state() const {
  kvm_mp_state state{};
  TSBHYVE_KVM(vcpu_.fd(), KVM_GET_MP_STATE, &state);
  return state.mp_state;
}

}  // namespace tsbhyve::kvm
