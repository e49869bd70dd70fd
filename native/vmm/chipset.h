// SPDX-License-Identifier: BSD-2-Clause
// The kernel's chipset, as the machine reaches it.
#pragma once

#include "engine/exit_slot.h"
#include "engine/kernel_chipset.h"
#include "vmm/saved_state.h"

namespace tsbhyve::vmm {

class Chipset final : public KernelChipset {
 public:
  Chipset(Vm& vm, SavedState* saved) : vm_(vm), saved_(saved) {}

  void set_pic_input(std::uint32_t irq, bool level) override;
  void set_ioapic_input(std::uint32_t pin, bool level) override;
  void write_cmos(std::uint32_t index, std::uint8_t value) override;
  void set_rtc(std::int64_t seconds) override;
  std::int64_t rtc() override;
  std::string refusal() override;
  std::uint32_t version() override { return vm_.library().kernel_release(); }
  std::vector<std::uint8_t> save(std::uint32_t part) override;
  void load(std::uint32_t part, std::span<const std::uint8_t> bytes) override;

  /// Whether an access of an instruction that we run goes to a device of the kernel's.
  static bool answers(ExitKind kind, std::uint64_t address);
  /// By that vCPU.
  std::uint64_t access(vcpu* processor, bool write, std::uint64_t address, std::uint32_t width, std::uint64_t value);

 private:
  Vm& vm_;
  SavedState* saved_;
};

}  // namespace tsbhyve::vmm
