// SPDX-License-Identifier: BSD-2-Clause
#include "soft/system/descriptor.h"

#include "soft/memory.h"
#include "soft/system/fault.h"

namespace tsbhyve::soft {

namespace {

constexpr u32 attribute_granular = 1u << 15;

}  // namespace

Segment segment_of(const Descriptor& d, u16 selector) {
  Segment segment;
  segment.attributes = attributes_of(d);
  segment.selector = selector;
  segment.base = ((d.low >> 16) & 0xffffff) | ((d.low >> 32) & 0xff000000) | (d.high << 32);
  segment.limit = static_cast<u32>((d.low & 0xffff) | ((d.low >> 32) & 0xf0000));
  if (segment.attributes & attribute_granular) segment.limit = (segment.limit << 12) | 0xfff;
  return segment;
}

bool find_descriptor(Cpu* cpu, u16 selector, Descriptor& d) {
  if (is_null(selector)) return false;
  const bool local = selector & 4;
  if (local && (cpu->ldtr.attributes & segment_unusable)) return false;
  const u64 table = local ? cpu->ldtr.base : cpu->gdtr_base;
  const u32 limit = local ? cpu->ldtr.limit : cpu->gdtr_limit;
  const u32 offset = selector & 0xfff8u;
  if (offset + 7 > limit) return false;
  const u64 width = long_mode(cpu) ? ~u64{0} : 0xffffffff;
  d = {};
  d.address = (table + offset) & width;
  d.low = load_system<u64>(cpu, d.address);
  if (!long_mode(cpu) || (attributes_of(d) & segment_user)) return true;
  if (offset + 15 > limit) return false;
  d.high = load_system<u64>(cpu, d.address + 8);
  return true;
}

Descriptor fetch_descriptor(Cpu* cpu, u16 selector, u8 vector, u32 external) {
  Descriptor d;
  if (!find_descriptor(cpu, selector, d)) fault(cpu, vector, selector_error(selector, external));
  return d;
}

void mark_accessed(Cpu* cpu, Descriptor& d) {
  if (attributes_of(d) & type_accessed) return;
  d.low |= u64{type_accessed} << 40;
  store_system<u8>(cpu, d.address + 5, static_cast<u8>(d.low >> 40));
}

}  // namespace tsbhyve::soft
