// SPDX-License-Identifier: BSD-2-Clause
// A guest on both tiers, side by side.
#pragma once

#include <functional>
#include <memory>

#include "long_guest.h"

namespace tsbhyve::test {

using MakeGuest = std::function<std::unique_ptr<LongGuest>(const TranslatorOptions&)>;

/// To `end`, or false when it has come to rest before. Devices answer 5Ah.
inline bool goes_on_to(LongGuest& guest, std::int64_t end) {
  for (;;) {
    const ExitKind kind = guest.run(end);
    if (kind == ExitKind::Deadline) return true;
    if (kind == ExitKind::Hlt || kind == ExitKind::Shutdown) return false;
    guest.vcpu->slot.data = 0x5a;
  }
}

/// Runs until it rests, `step` instructions at a time, with the same bits at each stop, and returns the guest.
inline std::unique_ptr<LongGuest> same_on_both_tiers(const MakeGuest& make, std::int64_t step) {
  const auto plain = make(translator_off());
  auto translated = make(eager_translator());
  const auto registers = [](LongGuest& guest) {
    std::vector<std::uint64_t> values(register_count);
    guest.vcpu->get_registers(RegisterGroup::All, values);
    return values;
  };
  bool goes_on = true;
  for (std::int64_t end = step; goes_on; end += step) {
    goes_on = goes_on_to(*plain, end);
    const std::string when = "by instruction " + std::to_string(end) + " in steps of " + std::to_string(step);
    require(goes_on_to(*translated, end) == goes_on, "only one has ended " + when);
    require(registers(*plain) == registers(*translated), "registers differ " + when);
    const bool looks = !goes_on || end / step % 64 == 0;
    require(!looks || plain->everything() == translated->everything(), "they differ " + when);
  }
  return translated;
}

}  // namespace tsbhyve::test
