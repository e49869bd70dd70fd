// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/interval_timer.h"

#include <cstring>
#include <stdexcept>

namespace tsbhyve::vmm {

namespace {

// As vatpit_snapshot(), vatpic_snapshot() and vioapic_snapshot() write them, field by field without padding.
constexpr std::size_t pit_bytes = 16 + 3 * 52, pic_bytes = 2 * 58 + 2, ioapic_bytes = 4 + 32 * 12;
constexpr std::size_t mode_at = 16, initial_at = 20, target_at = 16 + 36;  // of counter 0
constexpr std::size_t mask_at = 19;                                        // of the master
constexpr std::size_t timer_pin_at = 4 + 2 * 12;
constexpr std::uint64_t pin_masked = 1 << 16;
constexpr int rate_generator = 4;  // mode 2, where it stands in a control word; the kernel repeats no other
constexpr std::int64_t second = 1'000'000'000;

template <class T>
T get(std::span<const std::uint8_t> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

void expect(std::span<const std::uint8_t> bytes, std::size_t size) {
  if (bytes.size() != size) throw std::invalid_argument("this kernel's timer has a state that is not known here");
}

bool counts(std::span<const std::uint8_t> pit, std::int64_t now) {
  if (get<std::uint16_t>(pit, initial_at) == 0) return false;
  if (get<int>(pit, mode_at) == rate_generator) return true;
  // Once only, at a time since the host's start: seconds and 1/2^64 of them.
  const auto seconds = get<std::int64_t>(pit, target_at);
  const auto fraction = get<std::uint64_t>(pit, target_at + 8);
  return seconds * second + static_cast<std::int64_t>((fraction >> 32) * second >> 32) > now;
}

}  // namespace

bool timer_is_awaited(std::span<const std::uint8_t> pit, std::span<const std::uint8_t> pic,
                      std::span<const std::uint8_t> ioapic, std::int64_t now) {
  expect(pit, pit_bytes);
  expect(pic, pic_bytes);
  expect(ioapic, ioapic_bytes);
  const bool heard = !(pic[mask_at] & 1) || !(get<std::uint64_t>(ioapic, timer_pin_at) & pin_masked);
  return heard && counts(pit, now);
}

}  // namespace tsbhyve::vmm
