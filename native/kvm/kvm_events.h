// SPDX-License-Identifier: BSD-2-Clause
// The events group: run state, interruptibility and what waits to be delivered.
#pragma once

#include <span>

#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// The contract's run states.
inline constexpr std::uint64_t state_running = 0, state_halted = 1, state_wait_for_sipi = 2, state_shutdown = 3;

/// For SIPI, or for somebody to take the one that has come.
bool waits_for_start(const kvm_mp_state& run_state);
void get_events(const kvm_vcpu_events& events, const kvm_mp_state& run_state, std::span<std::uint64_t> values);
/// Throws std::invalid_argument for a run state that does not exist.
void set_events(kvm_vcpu_events& events, std::span<const std::uint64_t> values);
kvm_mp_state run_state_of(std::span<const std::uint64_t> values);

}  // namespace tsbhyve::kvm
