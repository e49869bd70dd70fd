// SPDX-License-Identifier: BSD-2-Clause
// One flag of a vCPU for everything that waits for its run loop, so that looking costs nothing.
#pragma once

#include "soft/cpu.h"

namespace tsbhyve::soft {

/// Any thread.
inline void ask_to_attend(Cpu* cpu) { __atomic_store_n(&cpu->attention_wanted, true, __ATOMIC_SEQ_CST); }

inline bool must_attend(const Cpu* cpu) { return __atomic_load_n(&cpu->attention_wanted, __ATOMIC_RELAXED); }

/// Between two blocks: frees dropped blocks, and takes what other vCPUs and devices have left here.
void attend(Cpu* cpu);

}  // namespace tsbhyve::soft
