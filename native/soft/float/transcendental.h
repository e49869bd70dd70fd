// SPDX-License-Identifier: BSD-2-Clause
// The x87 transcendental functions, by one definition for every host.
//
// Each result is computed from integers alone to about 120 bits and rounded once, by the rounding mode, to 64 bits;
// precision control does not act (SDM volume 1, 8.3.8). Results are correctly rounded but for chance ties beyond those
// 120 bits. An exact result (FYL2X of a power of two, say) reports no precision exception, though some processors do.
//
// Trigonometric arguments lose the nearest multiple of pi/2, exactly, with the 66-bit value of pi that SDM volume 1,
// 8.3.8 gives for the x87: pi = 0.f * 2^2 with f = C90FDAA2 2168C234 C (hex). What is left is at most pi/4 and taken as
// exact. Special operands follow the tables of SDM volume 2 under each instruction.
#pragma once

#include "unpacked.h"

namespace tsbhyve::soft::fp {

// F2XM1. Outside -1 to +1, where the SDM leaves the result undefined, it is the operand; minus infinity gives -1.
Float80 exponential_minus_one(Context& context, const Unpacked& x);

// FYL2X: y * log2(x).
Float80 logarithm(Context& context, const Unpacked& y, const Unpacked& x);

// FYL2XP1: y * log2(x + 1), for every x and not only the range of the SDM.
Float80 logarithm_plus_one(Context& context, const Unpacked& y, const Unpacked& x);

// FPATAN: the angle of the point (x, y).
Float80 arctangent(Context& context, const Unpacked& y, const Unpacked& x);

// With |x| >= 2^63 nothing is computed and C2 tells so.
struct Circular {
  Float80 value;
  bool out_of_range;
};

Circular sine(Context& context, const Unpacked& x);
Circular cosine(Context& context, const Unpacked& x);
Circular tangent(Context& context, const Unpacked& x);

struct SineCosine {
  Float80 sine;
  Float80 cosine;
  bool out_of_range;
};

// FSINCOS; C1 tells of the cosine.
SineCosine sine_and_cosine(Context& context, const Unpacked& x);

}  // namespace tsbhyve::soft::fp
