// SPDX-License-Identifier: BSD-2-Clause
// The vCPU's state out and in.
#include "vmm/lapic.h"
#include "vmm/vmm_engine.h"

namespace tsbhyve::vmm {

namespace {
constexpr std::uint64_t state_shutdown = 3;

bool has(RegisterGroup groups, RegisterGroup group) {
  return (static_cast<unsigned>(groups) & static_cast<unsigned>(group)) != 0;
}

}  // namespace

void VmmEngine::get_registers(RegisterGroup groups, std::span<std::uint64_t> values) {
  registers_.get(groups, values);
  if (has(groups, RegisterGroup::Control)) values[row(Register::xcr0)] = fpu_state_ ? fpu_state_->xcr0 : xcr0_;
  if (has(groups, RegisterGroup::Events) && end_ == ExitKind::Shutdown)
    values[row(Register::run_state)] = state_shutdown;
}

void VmmEngine::set_registers(RegisterGroup groups, std::span<const std::uint64_t> values) {
  owed_ = Owed::Nothing;
  advances_ = exception_pending_ = false;
  registers_.set(groups, values);
  if (has(groups, RegisterGroup::Control)) xcr0_ = values[row(Register::xcr0)] | 1;
}

/// They are in the private section.
std::vector<std::pair<std::uint32_t, std::uint64_t>> VmmEngine::get_msrs() { return {}; }
void VmmEngine::set_msrs(const std::vector<std::pair<std::uint32_t, std::uint64_t>>&) {}

std::vector<std::uint8_t> VmmEngine::get_xsave() {
  if (!fpu_state_) fpu_state_ = fpu_.read();
  if (!fpu_state_) throw EngineError{0, "vmm", "the floating-point registers cannot be read here"};
  return fpu_state_->image;
}

void VmmEngine::set_xsave(std::span<const std::uint8_t> image) {
  FpuState state{{image.begin(), image.end()}, xcr0_};
  fpu_.write(state);
  fpu_state_ = std::move(state);
}

std::vector<std::uint64_t> VmmEngine::get_lapic() {
  if (!saved_.supported()) return read_lapic_rows(lapic_page());
  return lapic_rows(saved_.save(STRUCT_VLAPIC), time());
}

void VmmEngine::set_lapic(std::span<const std::uint64_t> rows) {
  if (!saved_.supported()) return write_lapic_rows(lapic_page(), rows);
  std::vector<std::uint8_t> state = saved_.save(STRUCT_VLAPIC);
  put_lapic_rows(state, rows, time());
  saved_.load(STRUCT_VLAPIC, state);
}

LapicPage VmmEngine::lapic_page() {
  constexpr std::uint64_t base = 0xfee00000;
  return {
      [this](std::size_t offset) { return static_cast<std::uint32_t>(chipset_.access(false, base + offset, 4, 0)); },
      [this](std::size_t offset, std::uint32_t value) { chipset_.access(true, base + offset, 4, value); }};
}

std::vector<std::uint8_t> VmmEngine::get_private() { return saved_.save_vcpu(); }
void VmmEngine::set_private(std::span<const std::uint8_t> bytes) { saved_.load_vcpu(bytes); }

}  // namespace tsbhyve::vmm
