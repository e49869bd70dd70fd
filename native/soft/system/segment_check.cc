// SPDX-License-Identifier: BSD-2-Clause
// From segment and offset to a linear address (SDM vol. 3, 3.4 and 5.3).
#include "soft/address.h"
#include "soft/system/fault.h"
#include "soft/system/segments.h"

namespace tsbhyve::soft {

namespace {

bool allows(const Cpu* cpu, const Segment& segment, u64 offset, u32 size, bool is_write) {
  if (!within_limit(segment, offset, size)) return false;
  // Without protection only the limit counts: even CS can be written.
  if (real_mode(cpu) || virtual8086(cpu)) return true;
  if (segment.attributes & segment_unusable) return false;
  return is_write ? is_writable_data(segment.attributes) : is_readable(segment.attributes);
}

}  // namespace

u64 segment_address(Cpu* cpu, const Op* op, u8 segment, u64 offset, u32 size, bool is_write) {
  const Segment& used = cpu->segment[segment];
  if (cpu->mode & mode_code64) return segment >= FS ? used.base + offset : offset;
  if (!allows(cpu, used, offset, size, is_write)) raise(cpu, op, segment == SS ? Vector::SegmentSS : Vector::GP, 0);
  return (used.base + offset) & 0xffffffff;
}

}  // namespace tsbhyve::soft
