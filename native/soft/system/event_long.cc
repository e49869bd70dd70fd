// SPDX-License-Identifier: BSD-2-Clause
// Event delivery in long mode (SDM vol. 3, 6.14).
#include "soft/flags.h"
#include "soft/memory.h"
#include "soft/system/event_parts.h"
#include "soft/system/fault.h"
#include "soft/system/segments.h"
#include "soft/system/transfer_stack.h"

namespace tsbhyve::soft {

namespace {

struct Gate {
  u64 offset;
  u16 selector;
  u8 ist;
  bool clears_if;
};

Gate read_gate(Cpu* cpu, const Event& event) {
  const u32 at = event.vector * 16u;
  if (at + 15 > cpu->idtr_limit) fault(cpu, Vector::GP, gate_error(event));
  const u64 low = load_system<u64>(cpu, cpu->idtr_base + at);
  const u64 high = load_system<u64>(cpu, cpu->idtr_base + at + 8);
  const u32 attributes = attributes_of({low, high, 0});
  const u32 type = attributes & (segment_user | 15);
  if (type != interrupt_gate32 && type != trap_gate32) fault(cpu, Vector::GP, gate_error(event));
  if (event.checks_privilege && dpl_of(attributes) < cpu->cpl) fault(cpu, Vector::GP, gate_error(event));
  if (!(attributes & segment_present)) fault(cpu, Vector::NP, gate_error(event));
  const u64 offset = (low & 0xffff) | ((low >> 32) & 0xffff0000) | (high << 32);
  return {offset, static_cast<u16>(low >> 16), static_cast<u8>((low >> 32) & 7), type == interrupt_gate32};
}

Segment read_target(Cpu* cpu, const Gate& gate, u32 external) {
  if (is_null(gate.selector)) fault(cpu, Vector::GP, external);
  Descriptor d = fetch_descriptor(cpu, gate.selector, Vector::GP, external);
  const u32 attributes = attributes_of(d);
  const bool is_64 = (attributes & segment_long) && !(attributes & segment_big);
  if (!is_code(attributes) || dpl_of(attributes) > cpu->cpl || !is_64) {
    fault(cpu, Vector::GP, selector_error(gate.selector, external));
  }
  if (!(attributes & segment_present)) fault(cpu, Vector::NP, selector_error(gate.selector, external));
  mark_accessed(cpu, d);
  return segment_of(d, gate.selector);
}

u64 stack_pointer_for(Cpu* cpu, const Gate& gate, u8 cpl, u32 external) {
  u64 pointer = cpu->gpr[RSP];
  if (gate.ist != 0) {
    pointer = long_tss_pointer(cpu, 0x24 + 8u * (gate.ist - 1u), external);
  } else if (cpl != cpu->cpl) {
    pointer = long_tss_pointer(cpu, 4 + 8u * cpl, external);
  }
  return pointer & ~u64{15};
}

}  // namespace

void deliver_long(Cpu* cpu, const Event& event) {
  const Gate gate = read_gate(cpu, event);
  Segment code = read_target(cpu, gate, event.external);
  const u8 cpl = is_conforming(code.attributes) ? cpu->cpl : dpl_of(code.attributes);
  code.selector = static_cast<u16>((gate.selector & 0xfffc) | cpl);

  TransferStack stack(stack_pointer_for(cpu, gate, cpl, event.external), cpl, event.external);
  stack.push(cpu, cpu->segment[SS].selector, 8);
  stack.push(cpu, cpu->gpr[RSP], 8);
  stack.push(cpu, read_rflags(cpu), 8);
  stack.push(cpu, cpu->segment[CS].selector, 8);
  stack.push(cpu, cpu->rip, 8);
  if (event.has_error) stack.push(cpu, event.error, 8);
  check_code_offset(cpu, code, gate.offset, event.external);

  cpu->gpr[RSP] = stack.pointer();
  if (cpl != cpu->cpl) cpu->segment[SS] = null_segment(cpl, cpl);
  cpu->rflags &= ~(flags_cleared_by_gates | (gate.clears_if ? rflags::IF : 0));
  enter_code(cpu, code, gate.offset, cpl);
}

}  // namespace tsbhyve::soft
