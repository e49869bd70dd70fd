// SPDX-License-Identifier: BSD-2-Clause
// Descriptors as they lie in the GDT and LDT (SDM vol. 3, 3.4.5 and 5.8.3).
#pragma once

#include "soft/cpu.h"

namespace tsbhyve::soft {

struct Descriptor {
  u64 low = 0;
  u64 high = 0;     // second half of a system descriptor in long mode
  u64 address = 0;  // linear address of `low`
};

/// Bits of Segment::attributes.
inline constexpr u32 type_accessed = 1, type_writable = 2 /* data */, type_readable = 2 /* code */;
inline constexpr u32 type_expand_down = 4 /* data */, type_conforming = 4 /* code */, type_code = 8;
inline constexpr u32 segment_user = 16;  // S: code or data, not a system descriptor

/// Types of system descriptors.
enum SystemType : u8 {
  available_tss16 = 1,
  ldt = 2,
  busy_tss16 = 3,
  call_gate16 = 4,
  task_gate = 5,
  interrupt_gate16 = 6,
  trap_gate16 = 7,
  available_tss32 = 9,
  busy_tss32 = 11,
  call_gate32 = 12,
  interrupt_gate32 = 14,
  trap_gate32 = 15,
};

inline u32 attributes_of(const Descriptor& d) { return static_cast<u32>(d.low >> 40) & 0xf0ff; }
inline u8 system_type(const Descriptor& d) { return static_cast<u8>(attributes_of(d) & 15); }
inline u8 dpl_of(u32 attributes) { return static_cast<u8>((attributes >> 5) & 3); }
inline u8 rpl_of(u16 selector) { return static_cast<u8>(selector & 3); }
inline bool is_null(u16 selector) { return (selector & 0xfffc) == 0; }
inline bool is_code(u32 attributes) { return (attributes & (segment_user | type_code)) == (segment_user | type_code); }
inline bool is_data(u32 attributes) { return (attributes & (segment_user | type_code)) == segment_user; }
inline bool is_writable_data(u32 attributes) { return is_data(attributes) && (attributes & type_writable); }
inline bool is_conforming(u32 attributes) { return is_code(attributes) && (attributes & type_conforming); }
inline bool is_readable(u32 attributes) { return is_data(attributes) || (attributes & type_readable); }

/// The segment that a code, data or (in long mode, with `high`) system descriptor describes.
Segment segment_of(const Descriptor& d, u16 selector);

/// Reads the descriptor of `selector`; false for null selectors and those beyond their table. In long mode the second
/// half of a system descriptor comes with it.
bool find_descriptor(Cpu* cpu, u16 selector, Descriptor& d);
/// The same, raising `vector` with the selector.
Descriptor fetch_descriptor(Cpu* cpu, u16 selector, u8 vector, u32 external);
/// Sets the accessed bit, in memory too.
void mark_accessed(Cpu* cpu, Descriptor& d);

/// Null segment: every use faults outside 64-bit code.
inline Segment null_segment(u16 selector, u8 dpl) { return {0, 0, segment_unusable | (u32{dpl} << 5), selector}; }
/// Segment of real-address and virtual-8086 mode.
inline Segment segment_of_paragraph(u16 selector, u32 limit, u32 attributes) {
  return {u64{selector} << 4, limit, attributes, selector};
}

}  // namespace tsbhyve::soft
