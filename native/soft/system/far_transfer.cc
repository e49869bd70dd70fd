// SPDX-License-Identifier: BSD-2-Clause
#include "soft/system/far_transfer.h"

#include "soft/address.h"
#include "soft/system/fault.h"
#include "soft/system/segments.h"
#include "soft/system/task_switch.h"
#include "soft/system/transfer_stack.h"

namespace tsbhyve::soft {

namespace {

bool without_protection(const Cpu* cpu) { return real_mode(cpu) || virtual8086(cpu); }

/// CS of real-address and virtual-8086 mode, whose limit and width stay.
Segment paragraph_code(const Cpu* cpu, u16 selector) {
  return segment_of_paragraph(selector, cpu->segment[CS].limit, cpu->segment[CS].attributes);
}

/// JMP and CALL to system descriptors. `selector` has been fetched as `d`.
void enter_system_descriptor(Cpu* cpu, const Descriptor& d, u16 selector, bool is_call) {
  const u32 attributes = attributes_of(d);
  const u8 type = system_type(d);
  const bool is_gate = type == call_gate32 || (type == call_gate16 && !long_mode(cpu));
  const bool is_task = !long_mode(cpu) && (type == task_gate || type == available_tss16 || type == available_tss32);
  if (!is_gate && !is_task) fault(cpu, Vector::GP, selector_error(selector));
  if (dpl_of(attributes) < cpu->cpl || dpl_of(attributes) < rpl_of(selector)) {
    fault(cpu, Vector::GP, selector_error(selector));
  }
  // The upper half must not look like a descriptor of its own (SDM vol. 3, 5.8.3.1).
  if ((d.high >> 40) & 0x1f) fault(cpu, Vector::GP, selector_error(selector));
  if (!(attributes & segment_present)) fault(cpu, Vector::NP, selector_error(selector));
  if (is_gate) return enter_call_gate(cpu, d, is_call);
  const u16 task = type == task_gate ? static_cast<u16>(d.low >> 16) : selector;
  switch_task(cpu, task, is_call ? TaskSwitch::Call : TaskSwitch::Jump, 0);
}

}  // namespace

Segment checked_direct_code(Cpu* cpu, Descriptor& d, u16 selector) {
  const u32 attributes = attributes_of(d);
  const u8 dpl = dpl_of(attributes);
  const bool allowed = is_conforming(attributes) ? dpl <= cpu->cpl : rpl_of(selector) <= cpu->cpl && dpl == cpu->cpl;
  const bool both_widths = long_mode(cpu) && (attributes & segment_long) && (attributes & segment_big);
  if (!is_code(attributes) || !allowed || both_widths) fault(cpu, Vector::GP, selector_error(selector));
  if (!(attributes & segment_present)) fault(cpu, Vector::NP, selector_error(selector));
  mark_accessed(cpu, d);
  return segment_of(d, static_cast<u16>((selector & 0xfffc) | cpu->cpl));
}

Segment checked_return_code(Cpu* cpu, u16 selector) {
  if (is_null(selector)) fault(cpu, Vector::GP, 0);
  Descriptor d = fetch_descriptor(cpu, selector, Vector::GP, 0);
  const u32 attributes = attributes_of(d);
  const u8 rpl = rpl_of(selector);
  const bool allowed = is_conforming(attributes) ? dpl_of(attributes) <= rpl : dpl_of(attributes) == rpl;
  const bool both_widths = long_mode(cpu) && (attributes & segment_long) && (attributes & segment_big);
  if (!is_code(attributes) || rpl < cpu->cpl || !allowed || both_widths) {
    fault(cpu, Vector::GP, selector_error(selector));
  }
  if (!(attributes & segment_present)) fault(cpu, Vector::NP, selector_error(selector));
  mark_accessed(cpu, d);
  return segment_of(d, selector);
}

Segment checked_return_stack(Cpu* cpu, u16 selector, const Segment& code, u8 cpl) {
  const bool null_allowed = is_code64(cpu, code) && cpl != 3 && rpl_of(selector) == cpl;
  if (is_null(selector) && null_allowed) return null_segment(selector, cpl);
  return checked_stack_segment(cpu, selector, cpl, Vector::GP, 0);
}

void far_jump(Cpu* cpu, u16 selector, u64 offset) {
  if (without_protection(cpu)) {
    const Segment code = paragraph_code(cpu, selector);
    check_code_offset(cpu, code, offset);
    return enter_code(cpu, code, offset, cpu->cpl);
  }
  if (is_null(selector)) fault(cpu, Vector::GP, 0);
  Descriptor d = fetch_descriptor(cpu, selector, Vector::GP, 0);
  if (!(attributes_of(d) & segment_user)) return enter_system_descriptor(cpu, d, selector, false);
  const Segment code = checked_direct_code(cpu, d, selector);
  check_code_offset(cpu, code, offset);
  enter_code(cpu, code, offset, cpu->cpl);
}

void far_call(Cpu* cpu, u16 selector, u64 offset, u32 size) {
  Segment code;
  if (without_protection(cpu)) {
    code = paragraph_code(cpu, selector);
  } else {
    if (is_null(selector)) fault(cpu, Vector::GP, 0);
    Descriptor d = fetch_descriptor(cpu, selector, Vector::GP, 0);
    if (!(attributes_of(d) & segment_user)) return enter_system_descriptor(cpu, d, selector, true);
    code = checked_direct_code(cpu, d, selector);
  }
  TransferStack stack(cpu);
  stack.push(cpu, cpu->segment[CS].selector, size);
  stack.push(cpu, cpu->rip, size);
  check_code_offset(cpu, code, offset);
  write_stack_pointer(cpu, stack.pointer());
  enter_code(cpu, code, offset, cpu->cpl);
}

void far_return(Cpu* cpu, u32 size, u32 release) {
  TransferStack stack(cpu);
  const u64 offset = stack.pop(cpu, size);
  const u16 selector = static_cast<u16>(stack.pop(cpu, size));
  stack.release(release);
  if (without_protection(cpu)) {
    const Segment code = paragraph_code(cpu, selector);
    check_code_offset(cpu, code, offset);
    write_stack_pointer(cpu, stack.pointer());
    return enter_code(cpu, code, offset, cpu->cpl);
  }
  const Segment code = checked_return_code(cpu, selector);
  const u8 cpl = rpl_of(selector);
  if (cpl == cpu->cpl) {
    check_code_offset(cpu, code, offset);
    write_stack_pointer(cpu, stack.pointer());
    return enter_code(cpu, code, offset, cpl);
  }
  const u64 outer_pointer = stack.pop(cpu, size);
  const u16 outer_selector = static_cast<u16>(stack.pop(cpu, size));
  const Segment outer = checked_return_stack(cpu, outer_selector, code, cpl);
  check_code_offset(cpu, code, offset);
  cpu->segment[SS] = outer;
  enter_code(cpu, code, offset, cpl);
  write_stack_pointer(cpu, outer_pointer + release);
  drop_inner_segments(cpu);
}

}  // namespace tsbhyve::soft
