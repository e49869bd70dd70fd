// SPDX-License-Identifier: BSD-2-Clause
// Call gates of 16, 32 and 64 bits (SDM vol. 3, 5.8.3-5.8.5).
#include "soft/address.h"
#include "soft/system/far_transfer.h"
#include "soft/system/fault.h"
#include "soft/system/segments.h"
#include "soft/system/transfer_stack.h"

namespace tsbhyve::soft {

namespace {

struct Gate {
  u64 offset;
  u16 selector;
  u8 parameters;
  u8 width;
};

Gate parse_gate(const Cpu* cpu, const Descriptor& d) {
  const u16 selector = static_cast<u16>(d.low >> 16);
  u64 offset = d.low & 0xffff;
  if (system_type(d) == call_gate16) return {offset, selector, static_cast<u8>((d.low >> 32) & 31), 2};
  offset |= (d.low >> 32) & 0xffff0000;
  if (long_mode(cpu)) return {offset | (d.high << 32), selector, 0, 8};
  return {offset, selector, static_cast<u8>((d.low >> 32) & 31), 4};
}

/// The gate's code segment; the caller sets RPL.
Segment checked_gate_code(Cpu* cpu, const Gate& gate, bool is_call) {
  if (is_null(gate.selector)) fault(cpu, Vector::GP, 0);
  Descriptor d = fetch_descriptor(cpu, gate.selector, Vector::GP, 0);
  const u32 attributes = attributes_of(d);
  const u8 dpl = dpl_of(attributes);
  const bool allowed = is_call || is_conforming(attributes) ? dpl <= cpu->cpl : dpl == cpu->cpl;
  const bool wrong_width = long_mode(cpu) && (!(attributes & segment_long) || (attributes & segment_big));
  if (!is_code(attributes) || !allowed || wrong_width) fault(cpu, Vector::GP, selector_error(gate.selector));
  if (!(attributes & segment_present)) fault(cpu, Vector::NP, selector_error(gate.selector));
  mark_accessed(cpu, d);
  return segment_of(d, gate.selector);
}

void push_return(Cpu* cpu, TransferStack& stack, u32 width) {
  stack.push(cpu, cpu->segment[CS].selector, width);
  stack.push(cpu, cpu->rip, width);
}

/// CALL to more privilege in 64-bit mode: the new SS is null, nothing is copied.
void call_inner_long(Cpu* cpu, const Gate& gate, const Segment& code, u8 cpl) {
  TransferStack stack(long_tss_pointer(cpu, 4 + 8u * cpl, 0), cpl, 0);
  stack.push(cpu, cpu->segment[SS].selector, 8);
  stack.push(cpu, cpu->gpr[RSP], 8);
  push_return(cpu, stack, 8);
  check_code_offset(cpu, code, gate.offset);
  cpu->gpr[RSP] = stack.pointer();
  cpu->segment[SS] = null_segment(cpl, cpl);
}

void call_inner_legacy(Cpu* cpu, const Gate& gate, const Segment& code, u8 cpl) {
  const InnerStack inner = inner_stack(cpu, cpl, 0);
  const Segment segment = checked_stack_segment(cpu, inner.selector, cpl, Vector::TS, 0);
  const TransferStack old(cpu);
  TransferStack stack(segment, inner.pointer, cpl, selector_error(inner.selector));
  stack.push(cpu, cpu->segment[SS].selector, gate.width);
  stack.push(cpu, cpu->gpr[RSP], gate.width);
  for (u32 i = gate.parameters; i-- > 0;) stack.push(cpu, old.peek(cpu, u64{i} * gate.width, gate.width), gate.width);
  push_return(cpu, stack, gate.width);
  check_code_offset(cpu, code, gate.offset);
  cpu->gpr[RSP] = stack.merged_pointer(cpu->gpr[RSP]);
  cpu->segment[SS] = segment;
}

}  // namespace

void enter_call_gate(Cpu* cpu, const Descriptor& gate_descriptor, bool is_call) {
  const Gate gate = parse_gate(cpu, gate_descriptor);
  Segment code = checked_gate_code(cpu, gate, is_call);
  const bool inner = is_call && !is_conforming(code.attributes) && dpl_of(code.attributes) < cpu->cpl;
  const u8 cpl = inner ? dpl_of(code.attributes) : cpu->cpl;
  code.selector = static_cast<u16>((gate.selector & 0xfffc) | cpl);
  if (inner) {
    if (long_mode(cpu)) {
      call_inner_long(cpu, gate, code, cpl);
    } else {
      call_inner_legacy(cpu, gate, code, cpl);
    }
  } else if (is_call) {
    TransferStack stack(cpu);
    push_return(cpu, stack, gate.width);
    check_code_offset(cpu, code, gate.offset);
    write_stack_pointer(cpu, stack.pointer());
  } else {
    check_code_offset(cpu, code, gate.offset);
  }
  enter_code(cpu, code, gate.offset, cpl);
}

}  // namespace tsbhyve::soft
