// SPDX-License-Identifier: BSD-2-Clause
// Event delivery through the interrupt vector table (SDM vol. 3, 20.1.4).
#include "soft/address.h"
#include "soft/flags.h"
#include "soft/memory.h"
#include "soft/system/event_parts.h"
#include "soft/system/fault.h"
#include "soft/system/segments.h"
#include "soft/system/transfer_stack.h"

namespace tsbhyve::soft {

void deliver_real(Cpu* cpu, const Event& event) {
  const u32 at = event.vector * 4u;
  if (at + 3 > cpu->idtr_limit) fault(cpu, Vector::GP, gate_error(event));
  const u32 target = load_system<u32>(cpu, cpu->idtr_base + at);
  TransferStack stack(cpu);
  stack.push(cpu, read_rflags(cpu), 2);
  stack.push(cpu, cpu->segment[CS].selector, 2);
  stack.push(cpu, cpu->rip, 2);

  const Segment& old = cpu->segment[CS];
  const Segment code = segment_of_paragraph(static_cast<u16>(target >> 16), old.limit, old.attributes);
  check_code_offset(cpu, code, target & 0xffff);
  write_stack_pointer(cpu, stack.pointer());
  cpu->rflags &= ~(rflags::IF | rflags::TF | rflags::AC | rflags::RF);
  enter_code(cpu, code, target & 0xffff, 0);
}

}  // namespace tsbhyve::soft
