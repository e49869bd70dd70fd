// SPDX-License-Identifier: BSD-2-Clause
// Taylor series in fixed point, the core of the transcendental functions.
//
// Each takes its argument as a fraction of 2^128 and returns a value below 2 in units of 2^-127, with an error of a few
// such units. A result whose true value is not 1 is never 1, so that rounding sees that it is inexact.
#pragma once

#include "exact.h"

namespace tsbhyve::soft::fp {

// sin(r) / r and cos(r), given z = r * r <= 0.62.
Exact sine_ratio(u128 z);
Exact cosine(u128 z);

// (e^r - 1) / r, given |r| <= 0.7 and the sign of r.
Exact exponential_ratio(u128 magnitude, bool negative);

// atanh(r) / r and atan(r) / r, given z = r * r <= 0.2.
Exact hyperbolic_arctangent_ratio(u128 z);
Exact arctangent_ratio(u128 z);

// The magnitude of a number below 1 as a fraction of 2^128, truncated.
u128 fixed_point(const Exact& value);

}  // namespace tsbhyve::soft::fp
