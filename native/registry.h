// SPDX-License-Identifier: BSD-2-Clause
// Which machine an id belongs to, so that any thread of the process can wake it.
#pragma once

#include <cstdint>

namespace tsbhyve {

class VcpuEngine;

std::uint32_t register_machine();
void set_machine_engine(std::uint32_t id, VcpuEngine* engine);
void forget_machine(std::uint32_t id);
/// False when no machine has this id (any more).
bool wake_machine(std::uint32_t id);

}  // namespace tsbhyve
