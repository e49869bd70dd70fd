// SPDX-License-Identifier: BSD-2-Clause
// Memory type range registers (SDM vol. 3, 11.11): checked storage. Memory here has no cache to type.
#pragma once

#include "soft/cpu.h"

namespace tsbhyve::soft {

bool is_mtrr(u32 index);
// False for #GP(0).
bool read_mtrr(const Cpu* cpu, u32 index, u64& value);
bool write_mtrr(Cpu* cpu, u32 index, u64 value);

}  // namespace tsbhyve::soft
