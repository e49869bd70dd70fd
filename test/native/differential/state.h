// SPDX-License-Identifier: BSD-2-Clause
// What goes into a case and what comes out, the same for both CPUs.
#pragma once

#include <cstring>

#include "layout.h"

namespace tsbhyve::differential {

/// The FXSAVE image (SDM vol. 1, table 10-2).
struct alignas(16) FxImage {
  u16 control = 0x37f, status = 0;
  u8 valid = 0, reserved = 0;  // abridged tags: bit i set, physical register i holds a value
  u16 opcode = 0;
  u64 instruction_pointer = 0, data_pointer = 0;
  u32 mxcsr = 0x1f80, mxcsr_mask = 0;
  u8 st[8][16] = {};  // ST(i), 10 bytes each
  u64 xmm[16][2] = {};
  u8 rest[96] = {};
};
static_assert(sizeof(FxImage) == 512);

struct Registers {
  u64 gpr[16] = {};
  u64 rflags = 0x202;
  u64 rip = 0;
  u64 fs_base = 0, gs_base = 0;
  u16 selector[6] = {};  // by SegmentRegister
};

inline constexpr size_t max_code = 200;
inline constexpr size_t max_operand = 64;

struct Case {
  Setting setting = Setting::Code64;
  u64 start = code_start;
  u32 length = 0;
  u8 code[max_code] = {};
  bool uses_fx = false;
  bool loads_segments = false;
  Registers registers;
  FxImage fx;
  u64 operand_address = 0;  // linear; where `operand` is put before the case runs, 0: nowhere
  u8 operand[max_operand] = {};
};

/// Vectors that are no exceptions: the end of the code, and code that does not end.
inline constexpr u8 ran_to_end = 0x80, ran_on = 0xff;

struct Result {
  Registers registers;
  FxImage fx;
  u8 vector = 0;
  u32 error = 0;
  u64 cr2 = 0;
  u8 memory[zone_bytes] = {};
};

/// The window before any case. Zones are put back for each case, the rest with each new code.
struct WindowImage {
  u8 bytes[window_pages * page_size];
};

inline void restore_zones(u8* window, const WindowImage& image) {
  for (const Zone& zone : zones)
    std::memcpy(window + (zone.start - window_base), image.bytes + (zone.start - window_base), zone.size);
}

inline void prepare_window(u8* window, const WindowImage& image, const Case& test) {
  restore_zones(window, image);
  if (test.operand_address) std::memcpy(window + (test.operand_address - window_base), test.operand, max_operand);
}

inline void collect_zones(const u8* window, Result& result) {
  u8* to = result.memory;
  for (const Zone& zone : zones) {
    std::memcpy(to, window + (zone.start - window_base), zone.size);
    to += zone.size;
  }
}

}  // namespace tsbhyve::differential
