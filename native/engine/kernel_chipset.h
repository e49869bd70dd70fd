// SPDX-License-Identifier: BSD-2-Clause
// A chipset that lies inside an engine: 8259 pair, I/O APIC, 8254, HPET, RTC and PM timer of a kernel.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tsbhyve {

class KernelChipset {
 public:
  virtual ~KernelChipset() = default;
  /// Level of an interrupt line, for those who change it: each call must change it.
  virtual void set_pic_input(std::uint32_t irq, bool level) = 0;
  virtual void set_ioapic_input(std::uint32_t pin, bool level) = 0;
  virtual void write_cmos(std::uint32_t index, std::uint8_t value) = 0;
  /// Seconds since 1970 that the real-time clock shows.
  virtual void set_rtc(std::int64_t seconds) = 0;
  virtual std::int64_t rtc() = 0;
  /// Why it cannot be saved as it is; empty when it can.
  virtual std::string refusal() = 0;
  /// Of the kernel: what save() gives out is only for the same.
  virtual std::uint32_t version() = 0;
  /// The state of one of its parts, as the kernel has it. Only at a safepoint.
  virtual std::vector<std::uint8_t> save(std::uint32_t part) = 0;
  virtual void load(std::uint32_t part, std::span<const std::uint8_t> bytes) = 0;
};

}  // namespace tsbhyve
