// SPDX-License-Identifier: BSD-2-Clause
// Which blocks a region holds, how they lead to each other, and where somebody may look at the flags.
#pragma once

#include <vector>

#include "soft/block.h"

namespace tsbhyve::soft {

inline constexpr int outside = -1;

/// Instructions of a region. No more are retired between two looks at the budget.
inline constexpr u32 max_region_instructions = 192;

struct PlannedBlock {
  Block* block = nullptr;
  std::vector<Instruction> instructions;
  std::vector<u8> live_after;           // by instruction: whether anybody may see the flags it leaves
  int taken = outside, next = outside;  // the blocks its direct branch leads to, when they belong to the region
  bool has_next = false;                // it can go on behind its last instruction
  u32 runs = 1;                         // how often it had run when the region was made
  bool live_in = false;
  bool header = false;  // several ways lead here: it starts from a state that all of them bring about
};

using Plan = std::vector<PlannedBlock>;

/// The region that `entry` is the first block of. Empty: not to be translated. `heat` is what blocks start with.
Plan plan_region(const Cpu* cpu, Block* entry, u32 heat);

/// Whether a block may be translated at all.
bool is_translatable(const Block& block);

}  // namespace tsbhyve::soft
