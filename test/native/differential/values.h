// SPDX-License-Identifier: BSD-2-Clause
// Operands that find bugs: boundaries of every width, special floating-point numbers, and plain random bits.
#pragma once

#include "random.h"
#include "state.h"

namespace tsbhyve::differential {

u64 draw_integer(Random& random);
/// IF set, IOPL 0, TF clear; the rest by chance.
u64 draw_rflags(Random& random);
void draw_fx(Random& random, FxImage& image);
/// Memory operands: integers and floating-point numbers of all formats.
void draw_operand(Random& random, u8 (&bytes)[max_operand]);

}  // namespace tsbhyve::differential
