// SPDX-License-Identifier: BSD-2-Clause
// A vCPU's state out and in.
#include "engine/run_state.h"
#include "vmm/lapic.h"
#include "vmm/vmm_vcpu.h"

namespace tsbhyve::vmm {

namespace {
bool has(RegisterGroup groups, RegisterGroup group) {
  return (static_cast<unsigned>(groups) & static_cast<unsigned>(group)) != 0;
}

}  // namespace

void VmmVcpu::get_registers(RegisterGroup groups, std::span<std::uint64_t> values) {
  registers_.get(groups, values);
  if (has(groups, RegisterGroup::Control)) values[row(Register::xcr0)] = fpu_state_ ? fpu_state_->xcr0 : xcr0_;
  if (!has(groups, RegisterGroup::Events)) return;
  values[row(Register::nmi_pending)] = nmi_;
  if (waits_for_start_) values[row(Register::run_state)] = state_wait_for_sipi;
  if (end_ == ExitKind::Shutdown) values[row(Register::run_state)] = state_shutdown;
}

void VmmVcpu::set_registers(RegisterGroup groups, std::span<const std::uint64_t> values) {
  if (has(groups, RegisterGroup::Events)) check_run_state(values[row(Register::run_state)]);
  owed_ = Owed::Nothing;
  advances_ = false;
  registers_.set(groups, values);
  if (has(groups, RegisterGroup::Control)) xcr0_ = values[row(Register::xcr0)] | 1;
  if (!has(groups, RegisterGroup::Events)) return;
  nmi_ = values[row(Register::nmi_pending)] != 0;
  waits_for_start_ = values[row(Register::run_state)] == state_wait_for_sipi;
}

/// They are in the private section.
std::vector<std::pair<std::uint32_t, std::uint64_t>> VmmVcpu::get_msrs() { return {}; }
void VmmVcpu::set_msrs(const std::vector<std::pair<std::uint32_t, std::uint64_t>>&) {}

std::vector<std::uint8_t> VmmVcpu::get_xsave() {
  if (!fpu_state_) read_fpu();
  if (!fpu_state_) throw EngineError{0, "vmm", "the floating-point registers cannot be read here"};
  return fpu_state_->image;
}

void VmmVcpu::set_xsave(std::span<const std::uint8_t> image) {
  FpuState state{{image.begin(), image.end()}, xcr0_};
  fpu_.write(state);
  if (fpu_.take_nmi()) nmi_ = true;
  fpu_state_ = std::move(state);
}

/// The kernel saves one vCPU after the other, each in the same number of bytes.
std::span<std::uint8_t> VmmVcpu::own_part(std::span<std::uint8_t> state) const {
  const std::size_t count = all_.vm.count(), bytes = state.size() / count;
  if (bytes * count != state.size())
    throw std::invalid_argument("this kernel's local APICs have a state that is not known here");
  return state.subspan(index_ * bytes, bytes);
}

std::vector<std::uint64_t> VmmVcpu::get_lapic() {
  if (!all_.saved.supported()) return read_lapic_rows(lapic_page());
  std::vector<std::uint8_t> state = all_.saved.save(STRUCT_VLAPIC);
  return lapic_rows(own_part(state), all_.clock.time());
}

void VmmVcpu::set_lapic(std::span<const std::uint64_t> rows) {
  if (!all_.saved.supported()) return write_lapic_rows(lapic_page(), rows);
  std::vector<std::uint8_t> state = all_.saved.save(STRUCT_VLAPIC);
  put_lapic_rows(own_part(state), rows, all_.clock.time());
  all_.saved.load(STRUCT_VLAPIC, state);
}

LapicPage VmmVcpu::lapic_page() {
  constexpr std::uint64_t base = 0xfee00000;
  return {[this](std::size_t offset) {
            return static_cast<std::uint32_t>(all_.chipset.access(processor(), false, base + offset, 4, 0));
          },
          [this](std::size_t offset, std::uint32_t value) {
            all_.chipset.access(processor(), true, base + offset, 4, value);
          }};
}

std::vector<std::uint8_t> VmmVcpu::get_private() {
  if (index_ > 0) return {};
  return all_.saved.save_vcpus();
}

void VmmVcpu::set_private(std::span<const std::uint8_t> bytes) {
  if (index_ == 0) return all_.saved.load_vcpus(bytes);
  if (!bytes.empty()) throw std::invalid_argument("the private section of vmm: the first vCPU has that of all");
}

}  // namespace tsbhyve::vmm
