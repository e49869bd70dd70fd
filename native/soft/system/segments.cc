// SPDX-License-Identifier: BSD-2-Clause
#include "soft/system/segments.h"

#include <algorithm>

#include "soft/system/fault.h"
#include "soft/system/system.h"

namespace tsbhyve::soft {

namespace {

constexpr u32 real_data_attributes = segment_present | segment_user | type_writable | type_accessed;

void load_stack_segment(Cpu* cpu, u16 selector) {
  // 64-bit code below CPL 3 may hold a null SS (SDM vol. 2, MOV).
  if (is_null(selector) && code64(cpu) && cpu->cpl != 3 && rpl_of(selector) == cpu->cpl) {
    cpu->segment[SS] = null_segment(selector, cpu->cpl);
  } else {
    cpu->segment[SS] = checked_stack_segment(cpu, selector, cpu->cpl, Vector::GP, 0);
  }
  update_mode(cpu);
}

}  // namespace

void load_data_segment(Cpu* cpu, u8 reg, u16 selector, u8 vector, u32 external) {
  if (is_null(selector)) {
    cpu->segment[reg] = null_segment(selector, 0);
    return;
  }
  Descriptor d = fetch_descriptor(cpu, selector, vector, external);
  const u32 attributes = attributes_of(d);
  if (!(attributes & segment_user) || !is_readable(attributes)) fault(cpu, vector, selector_error(selector, external));
  if (!is_conforming(attributes) && std::max(rpl_of(selector), cpu->cpl) > dpl_of(attributes)) {
    fault(cpu, vector, selector_error(selector, external));
  }
  if (!(attributes & segment_present)) fault(cpu, Vector::NP, selector_error(selector, external));
  mark_accessed(cpu, d);
  cpu->segment[reg] = segment_of(d, selector);
}

void load_segment(Cpu* cpu, u8 reg, u16 selector) {
  Segment& segment = cpu->segment[reg];
  if (real_mode(cpu)) {
    // Limit and granularity stay as they are: "unreal" mode depends on it. A null segment has none to keep.
    const bool was_null = segment.attributes & segment_unusable;
    const u32 kept = segment.attributes & 0xf000;
    segment = segment_of_paragraph(selector, was_null ? 0xffff : segment.limit, real_data_attributes | kept);
    return;
  }
  if (virtual8086(cpu)) {
    segment = segment_of_paragraph(selector, 0xffff, real_data_attributes | 0x60);
    return;
  }
  if (reg == SS) {
    load_stack_segment(cpu, selector);
  } else {
    load_data_segment(cpu, reg, selector, Vector::GP, 0);
  }
}

Segment checked_stack_segment(Cpu* cpu, u16 selector, u8 cpl, u8 vector, u32 external) {
  if (is_null(selector)) fault(cpu, vector, external);
  Descriptor d = fetch_descriptor(cpu, selector, vector, external);
  const u32 attributes = attributes_of(d);
  if (rpl_of(selector) != cpl || dpl_of(attributes) != cpl || !is_writable_data(attributes)) {
    fault(cpu, vector, selector_error(selector, external));
  }
  if (!(attributes & segment_present)) fault(cpu, Vector::SegmentSS, selector_error(selector, external));
  mark_accessed(cpu, d);
  return segment_of(d, selector);
}

void check_code_offset(Cpu* cpu, const Segment& code, u64 rip, u32 external) {
  const bool inside = is_code64(cpu, code) ? canonical(rip) : rip <= code.limit;
  if (!inside) fault(cpu, Vector::GP, external);
}

void enter_code(Cpu* cpu, const Segment& code, u64 rip, u8 cpl) {
  cpu->segment[CS] = code;
  cpu->cpl = cpl;
  cpu->rip = rip;
  update_mode(cpu);
}

void drop_inner_segments(Cpu* cpu) {
  for (const u8 reg : {ES, DS, FS, GS}) {
    Segment& segment = cpu->segment[reg];
    if (segment.attributes & segment_unusable) continue;
    if (dpl_of(segment.attributes) >= cpu->cpl || is_conforming(segment.attributes)) continue;
    // The base stays: 64-bit code still uses it with FS and GS.
    segment.selector = 0;
    segment.attributes = segment_unusable;
  }
}

}  // namespace tsbhyve::soft
