// SPDX-License-Identifier: BSD-2-Clause
// Hardware task switches between 32-bit and 16-bit TSSs, outside long mode (SDM vol. 3, 7.3).
#pragma once

#include "soft/cpu.h"

namespace tsbhyve::soft {

enum class TaskSwitch : u8 { Jump, Call, Return /* IRET with NT */, Event };

/// Switches to the task whose TSS `selector` names; cpu->rip must be where the old task is to go on. The new state is
/// in the registers afterwards. #TS and the like of the new state's segments are raised in the new task, as the SDM has
/// it.
void switch_task(Cpu* cpu, u16 selector, TaskSwitch reason, u32 external);

/// Pushes an exception's error code on the new task's stack.
void push_task_error(Cpu* cpu, u32 error);

}  // namespace tsbhyve::soft
