// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/chipset.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "vmm/interval_timer.h"
#include "vmm/kick.h"

namespace tsbhyve::vmm {

namespace {

constexpr int no_pin = -1;

/// Windows of the kernel's devices in memory: I/O APIC, HPET, local APIC.
struct Window {
  std::uint64_t base, length;
};
constexpr Window windows[] = {{0xfec00000, 0x1000}, {0xfed00000, 0x400}, {0xfee00000, 0x1000}};

constexpr snapshot_req parts[] = {STRUCT_VIOAPIC, STRUCT_VATPIC, STRUCT_VATPIT,
                                  STRUCT_VHPET,   STRUCT_VPMTMR, STRUCT_VRTC};

snapshot_req part_of(std::uint32_t number) {
  const auto found = std::find(std::begin(parts), std::end(parts), static_cast<snapshot_req>(number));
  if (found == std::end(parts))
    throw std::invalid_argument("part " + std::to_string(number) + " is none of the chipset's");
  return *found;
}

}  // namespace

void Chipset::set_pic_input(std::uint32_t irq, bool level) {
  const int number = static_cast<int>(irq);
  if (level)
    TSBHYVE_VMM(vm_.library(), vm_isa_assert_irq, vm_.ctx(), number, no_pin);
  else
    TSBHYVE_VMM(vm_.library(), vm_isa_deassert_irq, vm_.ctx(), number, no_pin);
}

void Chipset::set_ioapic_input(std::uint32_t pin, bool level) {
  const int number = static_cast<int>(pin);
  if (level)
    TSBHYVE_VMM(vm_.library(), vm_ioapic_assert_irq, vm_.ctx(), number);
  else
    TSBHYVE_VMM(vm_.library(), vm_ioapic_deassert_irq, vm_.ctx(), number);
}

void Chipset::write_cmos(std::uint32_t index, std::uint8_t value) {
  TSBHYVE_VMM(vm_.library(), vm_rtc_write, vm_.ctx(), static_cast<int>(index), value);
}

void Chipset::set_rtc(std::int64_t seconds) { TSBHYVE_VMM(vm_.library(), vm_rtc_settime, vm_.ctx(), seconds); }

std::int64_t Chipset::rtc() {
  time_t seconds = 0;
  TSBHYVE_VMM(vm_.library(), vm_rtc_gettime, vm_.ctx(), &seconds);
  return seconds;
}

std::string Chipset::refusal() {
  if (!saved_->supported()) return "";  // then nothing can be saved, which the capabilities tell
  if (!timer_is_awaited(saved_->save(STRUCT_VATPIT), saved_->save(STRUCT_VATPIC), saved_->save(STRUCT_VIOAPIC),
                        host_now()))
    return "";
  return "the guest waits for its 8254 timer, which the kernel does not set going again; one that uses the local "
         "APIC's "
         "timer or the HPET can be saved";
}

std::vector<std::uint8_t> Chipset::save(std::uint32_t part) { return saved_->save(part_of(part)); }
void Chipset::load(std::uint32_t part, std::span<const std::uint8_t> bytes) { saved_->load(part_of(part), bytes); }

bool Chipset::answers(ExitKind kind, std::uint64_t address) {
  if (kind != ExitKind::MmioRead && kind != ExitKind::MmioWrite) return false;
  return std::any_of(std::begin(windows), std::end(windows),
                     [address](const Window& window) { return address - window.base < window.length; });
}

/// A width or register that the device does not have reads as zero and takes nothing.
std::uint64_t Chipset::access(vcpu* processor, bool write, std::uint64_t address, std::uint32_t width,
                              std::uint64_t value) {
  std::uint64_t data = write ? value : 0;
  const int result =
      vm_.library().vm_readwrite_kernemu_device(processor, address, write, static_cast<int>(width), &data);
  return result == 0 ? data : 0;
}

}  // namespace tsbhyve::vmm
