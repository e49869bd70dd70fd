// SPDX-License-Identifier: BSD-2-Clause
// Many iterations of REP MOVS or STOS at once, where nothing can happen between them: upward, within one page each, and
// only on pages that the fast tables serve. What they leave is what the iterations one by one would.
#pragma once

#include "soft/types.h"

namespace tsbhyve::soft {

struct Cpu;
struct Op;

/// Each runs up to `most` iterations of `size` bytes, moves the pointers, and returns how many; zero when it cannot.
/// The counter and the budget are the caller's.
u64 move_many(Cpu* cpu, const Op* op, u64 most, u32 size);
u64 store_many(Cpu* cpu, const Op* op, u64 most, u32 size);

}  // namespace tsbhyve::soft
