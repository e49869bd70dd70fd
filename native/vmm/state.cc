// SPDX-License-Identifier: BSD-2-Clause
// The vCPU's state out and in.
#include "vmm/lapic.h"
#include "vmm/vmm_engine.h"

namespace tsbhyve::vmm {

namespace {
constexpr std::uint64_t state_shutdown = 3;
}

void VmmEngine::get_registers(RegisterGroup groups, std::span<std::uint64_t> values) {
  registers_.get(groups, values);
  const bool has_events = static_cast<unsigned>(groups) & static_cast<unsigned>(RegisterGroup::Events);
  if (has_events && end_ == ExitKind::Shutdown) values[row(Register::run_state)] = state_shutdown;
}

void VmmEngine::set_registers(RegisterGroup groups, std::span<const std::uint64_t> values) {
  owed_ = Owed::Nothing;
  advances_ = false;
  registers_.set(groups, values);
}

/// They are in the private section.
std::vector<std::pair<std::uint32_t, std::uint64_t>> VmmEngine::get_msrs() { return {}; }
void VmmEngine::set_msrs(const std::vector<std::pair<std::uint32_t, std::uint64_t>>&) {}

std::vector<std::uint8_t> VmmEngine::get_xsave() { return {}; }
void VmmEngine::set_xsave(std::span<const std::uint8_t>) {}

std::vector<std::uint64_t> VmmEngine::get_lapic() { return lapic_rows(saved_.save(STRUCT_VLAPIC), time()); }

void VmmEngine::set_lapic(std::span<const std::uint64_t> rows) {
  std::vector<std::uint8_t> state = saved_.save(STRUCT_VLAPIC);
  put_lapic_rows(state, rows, time());
  saved_.load(STRUCT_VLAPIC, state);
}

std::vector<std::uint8_t> VmmEngine::get_private() { return saved_.save_vcpu(); }
void VmmEngine::set_private(std::span<const std::uint8_t> bytes) { saved_.load_vcpu(bytes); }

}  // namespace tsbhyve::vmm
