// SPDX-License-Identifier: BSD-2-Clause
#include "soft/apic/bus.h"

#include "soft/apic.h"

namespace tsbhyve::soft {

/// SDM vol. 3, 10.11.1 and 10.11.2. The redirection hint means something for logical destinations only.
void InterruptBus::receive(u64 address, u32 data) {
  const u32 destination = static_cast<u32>(address >> 12) & 0xff;
  const bool logical = address & 4, redirects = (address & 8) && logical;
  const u32 mode = (data >> 8) & 7;
  send({destination == 0xff ? ~u32{0} : destination, logical},
       {mode, static_cast<u8>(data), (data & (1u << 15)) != 0, redirects || mode == LowestPriority});
}

void InterruptBus::send(Destination to, const InterruptMessage& message) {
  if (message.to_one) {
    if (LocalApic* apic = lowest(to)) apic->receive(message);
    return;
  }
  for (LocalApic* apic : apics_) {
    if (apic->hears(to)) apic->receive(message);
  }
}

void InterruptBus::send_all(const InterruptMessage& message, const LocalApic* except) {
  for (LocalApic* apic : apics_) {
    if (apic != except && apic->is_on()) apic->receive(message);
  }
}

/// Among equals the first: which of them it is, processors leave open (SDM vol. 3, 10.6.2.4).
LocalApic* InterruptBus::lowest(Destination to) const {
  LocalApic* found = nullptr;
  for (LocalApic* apic : apics_) {
    if (!apic->hears(to) || !apic->takes_lowest_priority()) continue;
    if (!found || apic->priority() < found->priority()) found = apic;
  }
  return found;
}

}  // namespace tsbhyve::soft
