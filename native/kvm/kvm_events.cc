// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_events.h"

#include "kvm/kvm_rows.h"

namespace tsbhyve::kvm {

namespace {

constexpr __u8 debug_exception = 1;

bool waits_for_debug(const kvm_vcpu_events& events) {
  return events.exception.pending && !events.exception.injected && events.exception.nr == debug_exception &&
         events.exception_has_payload;
}

}  // namespace

bool waits_for_start(const kvm_mp_state& run_state) {
  const __u32 state = run_state.mp_state;
  return state == KVM_MP_STATE_UNINITIALIZED || state == KVM_MP_STATE_INIT_RECEIVED ||
         state == KVM_MP_STATE_SIPI_RECEIVED;
}

void get_events(const kvm_vcpu_events& events, const kvm_mp_state& run_state, std::span<std::uint64_t> values) {
  const auto put = [&values](Register index, std::uint64_t value) { values[row(index)] = value; };
  const __u32 state = run_state.mp_state;
  put(Register::run_state, state == KVM_MP_STATE_HALTED ? state_halted
                           : waits_for_start(run_state) ? state_wait_for_sipi
                                                        : state_running);
  put(Register::interrupt_shadow, events.interrupt.shadow != 0);
  put(Register::debug_shadow, (events.interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS) != 0);
  put(Register::nmi_pending, events.nmi.pending != 0 || events.nmi.injected != 0);
  put(Register::nmi_blocked, events.nmi.masked != 0 && events.nmi.injected == 0);
  put(Register::init_pending, events.smi.latched_init != 0);
  put(Register::sipi_pending, state == KVM_MP_STATE_SIPI_RECEIVED);
  put(Register::sipi_vector, events.sipi_vector);
  // A payload is in the form of DR6 after the exception, with RTM (bit 16) inverted (SDM vol. 3, 17.2.3): the same bits
  // otherwise.
  put(Register::pending_debug, waits_for_debug(events) ? events.exception_payload : 0);
}

void set_events(kvm_vcpu_events& events, std::span<const std::uint64_t> values) {
  const auto get = [&values](Register index) { return values[row(index)]; };
  check_run_state(get(Register::run_state));
  events.exception = {};
  events.exception_has_payload = 0;
  events.exception_payload = 0;
  if (const std::uint64_t bits = get(Register::pending_debug); bits != 0) {
    events.exception.pending = 1;
    events.exception.nr = debug_exception;
    events.exception_has_payload = 1;
    events.exception_payload = bits;
  }
  events.interrupt = {};
  if (get(Register::debug_shadow))
    events.interrupt.shadow = KVM_X86_SHADOW_INT_MOV_SS;
  else if (get(Register::interrupt_shadow))
    events.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
  events.nmi = {};
  events.nmi.pending = get(Register::nmi_pending) != 0;
  events.nmi.masked = get(Register::nmi_blocked) != 0;
  events.smi.latched_init = get(Register::init_pending) != 0;
  events.sipi_vector = static_cast<__u32>(get(Register::sipi_vector));
  events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR | KVM_VCPUEVENT_VALID_SHADOW |
                 KVM_VCPUEVENT_VALID_PAYLOAD | (events.flags & KVM_VCPUEVENT_VALID_SMM);
}

kvm_mp_state run_state_of(std::span<const std::uint64_t> values) {
  switch (values[row(Register::run_state)]) {
    case state_halted: return {KVM_MP_STATE_HALTED};
    case state_wait_for_sipi:
      return {values[row(Register::sipi_pending)] ? __u32{KVM_MP_STATE_SIPI_RECEIVED}
                                                  : __u32{KVM_MP_STATE_INIT_RECEIVED}};
    default: return {KVM_MP_STATE_RUNNABLE};
  }
}

}  // namespace tsbhyve::kvm
