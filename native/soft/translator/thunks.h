// SPDX-License-Identifier: BSD-2-Clause
// The few pieces of host code that all regions share: the way in, the way out, and calls to C++.
//
// A call takes the Site in t1. It keeps every guest register, and t0 where not said otherwise.
//
// Returns are predicted: CALL leaves a frame on the host's stack, the guest's address that it returns to and the code
// that goes on there, and RET goes to that code where it meets the address. (The host's own CALL and RET would predict
// better, but every way out of translated code would leave its predictor with returns that never come.) Below the first
// of these frames lies one that no guest has made, whose code leads out. Whatever gives a linear address other code
// (another page in the TLB, another mode) is tier 1's and so comes after leave, which takes all frames away.
#pragma once

#include "soft/translator/code_memory.h"
#include "soft/translator/region.h"

namespace tsbhyve::soft {

/// Frames of 16 bytes.
inline constexpr i32 frames_bytes = 64 * 16;

struct Thunks {
  /// Runs translated code at `code` until it leaves, and returns the Exit it left by. Meanwhile the budget is less by
  /// max_region_instructions: below zero there is too little left for another region.
  const Exit* (*enter)(Cpu* cpu, const u8* code) = nullptr;
  u64 leave = 0;                          // jumped to, the Exit in t1
  u64 load = 0;                           // t0 = value at the linear address in t0
  u64 store = 0;                          // translated.stored goes to the linear address in t0
  u64 update = 0;                         // t1 = value at t0, which is about to be written
  u64 operation = 0;                      // tier 1's handler of one instruction
  u64 move_string = 0, store_string = 0;  // t0 = whether all iterations of REP MOVS or STOS have been made
  u64 settle = 0;                         // settle_flags
  u64 flags = 0;                          // the same, and t0 = the status flags
  u32 size = 0;
};

/// Makes them at the start of `memory`.
Thunks make_thunks(const CodeMemory& memory);

}  // namespace tsbhyve::soft
