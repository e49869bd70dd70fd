// SPDX-License-Identifier: BSD-2-Clause
// Loading segment registers, with the checks of SDM vol. 3, 5.5-5.8.
#pragma once

#include "soft/system/descriptor.h"

namespace tsbhyve::soft {

/// Whether [offset, offset + size) lies within the limit, either way of growing.
inline bool within_limit(const Segment& segment, u64 offset, u32 size) {
  const u64 last = offset + size - 1;
  if ((segment.attributes & (segment_user | type_code | type_expand_down)) == (segment_user | type_expand_down)) {
    return offset > segment.limit && last <= (segment.attributes & segment_big ? 0xffffffff : 0xffff);
  }
  return last <= segment.limit;
}

/// Loads ES, SS, DS, FS or GS in any mode.
void load_segment(Cpu* cpu, u8 reg, u16 selector);
/// DS, ES, FS or GS in protected mode; `vector` is raised for a descriptor that will not do.
void load_data_segment(Cpu* cpu, u8 reg, u16 selector, u8 vector, u32 external);

/// SS for a transfer to privilege `cpl`, checked but not yet loaded. Faults are `vector` (#TS for stacks from a TSS,
/// #GP for returns) or #SS when not present.
Segment checked_stack_segment(Cpu* cpu, u16 selector, u8 cpl, u8 vector, u32 external);

/// #GP(0) unless `rip` lies in the code segment, or is canonical where that is 64-bit code.
void check_code_offset(Cpu* cpu, const Segment& code, u64 rip, u32 external = 0);
inline bool is_code64(const Cpu* cpu, const Segment& code) {
  return long_mode(cpu) && (code.attributes & segment_long);
}

/// Loads CS and RIP and what follows from them.
void enter_code(Cpu* cpu, const Segment& code, u64 rip, u8 cpl);

/// After a return to less privilege: data segments that it may not use become null.
void drop_inner_segments(Cpu* cpu);

}  // namespace tsbhyve::soft
