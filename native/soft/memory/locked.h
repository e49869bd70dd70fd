// SPDX-License-Identifier: BSD-2-Clause
// Locked read-modify-write while other vCPUs run (SDM vol. 3, 8.1.2): one atomic operation of the host on the operand,
// or all others are parked for the time of the instruction.
#pragma once

#include "soft/op.h"

namespace tsbhyve::soft {

/// Host address of the operand, to be changed by one atomic operation; end_locked() follows. Null: by a load and a
/// store, because nobody else runs, or because it is no RAM. An operand that is not aligned, which the host might not
/// change in one piece, makes the instruction run alone. Raises what the access raises.
u8* begin_locked(Cpu* cpu, const Op* op, u64 lin, u32 size, u8 segment);
/// The operand was changed.
void end_locked(Cpu* cpu, u64 lin, u32 size);

/// Makes the instruction run while no other vCPU does, by escaping and running it again if that is not so yet.
void require_alone(Cpu* cpu, const Op* op);

}  // namespace tsbhyve::soft
