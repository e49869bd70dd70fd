// SPDX-License-Identifier: BSD-2-Clause
// Which machine an id belongs to, so that any thread of the process can wake it.
#pragma once

#include <cstdint>
#include <memory>

namespace tsbhyve {

class EventQueue;

std::uint32_t register_machine(std::shared_ptr<EventQueue> events);
void forget_machine(std::uint32_t id);
/// False when no machine has this id (any more).
bool wake_machine(std::uint32_t id);

}  // namespace tsbhyve
