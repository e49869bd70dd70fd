// SPDX-License-Identifier: BSD-2-Clause
// The bus between the local APICs, the I/O APIC and devices (SDM vol. 3, 10.4.1): finds those a message is for.
#pragma once

#include <vector>

#include "soft/types.h"

namespace tsbhyve::soft {

class LocalApic;

/// The numbers of the ICR and of messages (SDM vol. 3, figure 10-12).
enum DeliveryMode : u32 { Fixed = 0, LowestPriority = 1, Smi = 2, Nmi = 4, Init = 5, StartUp = 6, ExtInt = 7 };

/// Whom a message is for: all ones is everybody, whatever `logical` says.
struct Destination {
  u32 id;
  bool logical;
};

struct InterruptMessage {
  u32 mode;
  u8 vector;
  bool level;
  bool to_one;  // of those it is addressed to, the one at the lowest priority
};

class InterruptBus {
 public:
  /// In the order of their ids at power-on, which is the order in which they hear.
  void add(LocalApic* apic) { apics_.push_back(apic); }

  /// An interrupt message on its way from a device or the I/O APIC (SDM vol. 3, 10.11).
  void receive(u64 address, u32 data);
  void send(Destination to, const InterruptMessage& message);
  /// To all, or to all but one.
  void send_all(const InterruptMessage& message, const LocalApic* except);

 private:
  LocalApic* lowest(Destination to) const;

  std::vector<LocalApic*> apics_;
};

}  // namespace tsbhyve::soft
