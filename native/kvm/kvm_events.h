// SPDX-License-Identifier: BSD-2-Clause
// The events group: run state, interruptibility and what waits to be delivered.
#pragma once

#include <span>

#include "engine/run_state.h"
#include "kvm/kvm_device.h"

namespace tsbhyve::kvm {

/// For SIPI, or for somebody to take the one that has come.
bool waits_for_start(const kvm_mp_state& run_state);
void get_events(const kvm_vcpu_events& events, const kvm_mp_state& run_state, std::span<std::uint64_t> values);
/// Throws std::invalid_argument for a run state that does not exist.
void set_events(kvm_vcpu_events& events, std::span<const std::uint64_t> values);
kvm_mp_state run_state_of(std::span<const std::uint64_t> values);

}  // namespace tsbhyve::kvm
