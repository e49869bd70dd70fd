// SPDX-License-Identifier: BSD-2-Clause
#include "soft/device_access.h"

#include "soft/leave.h"

namespace tsbhyve::soft {

DeviceAccess device_access(Cpu* cpu, AccessKind kind, u64 address, u8 width, bool is_write, u64 value) {
  DeviceAccess asked{address, value, width, kind, is_write, false};
  if (cpu->answered_used < cpu->answered_count) {
    const DeviceAccess& answer = cpu->answered[cpu->answered_used];
    if (answer.kind == kind && answer.address == address && answer.width == width && answer.is_write == is_write) {
      cpu->answered_used++;
      return answer;
    }
    // Memory changed under the instruction (DMA into its operands): what it asked before is no longer what it asks.
    cpu->answered_count = cpu->answered_used;
  }
  if (cpu->answered_count == max_answers) {
    asked.value = ~u64{0};
    return asked;
  }
  cpu->access = asked;
  escape(cpu, Escape::Exit);
}

void require_single(Cpu* cpu, const Op* op) {
  if (runs_alone(cpu) || !cpu->current_op) return;
  cpu->current_op = op;
  escape(cpu, Escape::Single);
}

}  // namespace tsbhyve::soft
