// SPDX-License-Identifier: BSD-2-Clause
// Event delivery in protected mode outside long mode, out of virtual-8086 mode too (SDM vol. 3, 6.12 and 20.3).
#include "soft/address.h"
#include "soft/flags.h"
#include "soft/memory.h"
#include "soft/system/event_parts.h"
#include "soft/system/fault.h"
#include "soft/system/segments.h"
#include "soft/system/task_switch.h"
#include "soft/system/transfer_stack.h"

namespace tsbhyve::soft {

namespace {

struct Gate {
  u32 offset;
  u16 selector;
  u8 type;
  u32 width() const { return type & 8 ? 4 : 2; }
  bool clears_if() const { return (type & 7) == interrupt_gate16; }
};

Gate read_gate(Cpu* cpu, const Event& event) {
  const u32 at = event.vector * 8u;
  if (at + 7 > cpu->idtr_limit) fault(cpu, Vector::GP, gate_error(event));
  const Descriptor d{load_system<u64>(cpu, (cpu->idtr_base + at) & 0xffffffff), 0, 0};
  const u32 attributes = attributes_of(d);
  const u8 type = system_type(d);
  const bool known = type == task_gate || (type & 7) == interrupt_gate16 || (type & 7) == trap_gate16;
  if ((attributes & segment_user) || !known) fault(cpu, Vector::GP, gate_error(event));
  if (event.checks_privilege && dpl_of(attributes) < cpu->cpl) fault(cpu, Vector::GP, gate_error(event));
  if (!(attributes & segment_present)) fault(cpu, Vector::NP, gate_error(event));
  u32 offset = static_cast<u32>(d.low & 0xffff);
  if (type & 8) offset |= static_cast<u32>(d.low >> 32) & 0xffff0000;
  return {offset, static_cast<u16>(d.low >> 16), type};
}

Segment read_target(Cpu* cpu, u16 selector, u32 external) {
  if (is_null(selector)) fault(cpu, Vector::GP, external);
  Descriptor d = fetch_descriptor(cpu, selector, Vector::GP, external);
  const u32 attributes = attributes_of(d);
  if (!is_code(attributes) || dpl_of(attributes) > cpu->cpl) fault(cpu, Vector::GP, selector_error(selector, external));
  if (!(attributes & segment_present)) fault(cpu, Vector::NP, selector_error(selector, external));
  const bool stays = is_conforming(attributes) || dpl_of(attributes) == cpu->cpl;
  if (virtual8086(cpu) && (stays || dpl_of(attributes) != 0))
    fault(cpu, Vector::GP, selector_error(selector, external));
  mark_accessed(cpu, d);
  return segment_of(d, selector);
}

void push_return(Cpu* cpu, TransferStack& stack, const Event& event, u32 width) {
  stack.push(cpu, read_rflags(cpu), width);
  stack.push(cpu, cpu->segment[CS].selector, width);
  stack.push(cpu, cpu->rip, width);
  if (event.has_error) stack.push(cpu, event.error, width);
}

void enter_inner(Cpu* cpu, const Event& event, const Gate& gate, const Segment& code, u8 cpl) {
  const InnerStack inner = inner_stack(cpu, cpl, event.external);
  const Segment stack_segment = checked_stack_segment(cpu, inner.selector, cpl, Vector::TS, event.external);
  TransferStack stack(stack_segment, inner.pointer, cpl, selector_error(inner.selector, event.external));
  const u32 width = gate.width();
  const bool from_8086 = virtual8086(cpu);
  if (from_8086) {
    for (const u8 reg : {GS, FS, DS, ES}) stack.push(cpu, cpu->segment[reg].selector, width);
  }
  stack.push(cpu, cpu->segment[SS].selector, width);
  stack.push(cpu, cpu->gpr[RSP], width);
  push_return(cpu, stack, event, width);
  check_code_offset(cpu, code, gate.offset, event.external);

  cpu->gpr[RSP] = stack.merged_pointer(cpu->gpr[RSP]);
  cpu->segment[SS] = stack_segment;
  if (!from_8086) return;
  for (const u8 reg : {GS, FS, DS, ES}) cpu->segment[reg] = null_segment(0, 0);
}

void enter_same(Cpu* cpu, const Event& event, const Gate& gate, const Segment& code) {
  TransferStack stack(cpu);
  push_return(cpu, stack, event, gate.width());
  check_code_offset(cpu, code, gate.offset, event.external);
  write_stack_pointer(cpu, stack.pointer());
}

}  // namespace

void deliver_protected(Cpu* cpu, const Event& event) {
  const Gate gate = read_gate(cpu, event);
  if (gate.type == task_gate) {
    switch_task(cpu, gate.selector, TaskSwitch::Event, event.external);
    if (event.has_error) push_task_error(cpu, event.error);
    return;
  }
  Segment code = read_target(cpu, gate.selector, event.external);
  const bool inner = !is_conforming(code.attributes) && dpl_of(code.attributes) < cpu->cpl;
  const u8 cpl = inner ? dpl_of(code.attributes) : cpu->cpl;
  code.selector = static_cast<u16>((gate.selector & 0xfffc) | cpl);
  if (inner) {
    enter_inner(cpu, event, gate, code, cpl);
  } else {
    enter_same(cpu, event, gate, code);
  }
  cpu->rflags &= ~(flags_cleared_by_gates | (gate.clears_if() ? rflags::IF : 0));
  enter_code(cpu, code, gate.offset, cpl);
}

}  // namespace tsbhyve::soft
