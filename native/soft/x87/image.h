// SPDX-License-Identifier: BSD-2-Clause
// The 512 bytes of FXSAVE, which XSAVE begins with (SDM volume 1, table 10-2).
#pragma once

#include "soft/x87/access.h"

namespace tsbhyve::soft::x87 {

inline constexpr u32 image_bytes = 512;
inline constexpr u32 mxcsr_mask = 0xffff;  // DAZ is implemented

struct Image {
  u16 control, status, tags, opcode;
  u64 instruction, data;
  u32 mxcsr;
  fp::Float80 registers[8];
  U128 xmm[16];
};

// Of the image at `lin`.
void store_x87(Cpu* cpu, const Op* op, u64 lin);
void store_mxcsr(Cpu* cpu, const Op* op, u64 lin);
void store_xmm(Cpu* cpu, const Op* op, u64 lin, u32 count);
Image load_image(Cpu* cpu, const Op* op, u64 lin, u32 xmm_count);

void take_x87(Cpu* cpu, const Op* op, const Image& image);
void take_mxcsr(Cpu* cpu, u32 mxcsr);
void take_xmm(Cpu* cpu, const Image& image, u32 count);

}  // namespace tsbhyve::soft::x87
