// SPDX-License-Identifier: BSD-2-Clause
// What the kernel's saved 8254 says. After a restore its counters go on and its interrupts do not.
#pragma once

#include <cstdint>
#include <span>

namespace tsbhyve::vmm {

/// Whether the guest is to hear of counter 0: it counts, and some interrupt controller lets it through. From the saved
/// states of 8254, 8259s and I/O APIC, at a time of the host's (CLOCK_MONOTONIC, ns). Throws std::invalid_argument for
/// states of another layout than FreeBSD 14's and 15's.
bool timer_is_awaited(std::span<const std::uint8_t> pit, std::span<const std::uint8_t> pic,
                      std::span<const std::uint8_t> ioapic, std::int64_t now);

}  // namespace tsbhyve::vmm
