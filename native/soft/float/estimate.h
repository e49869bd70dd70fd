// SPDX-License-Identifier: BSD-2-Clause
// RCPSS/RCPPS and RSQRTSS/RSQRTPS.
#pragma once

#include "format.h"

namespace tsbhyve::soft::fp {

// Definition: the exact value, rounded to nearest even at 12 significant bits (relative error at most 2^-12; the SDM
// allows 1.5 * 2^-12). Denormal operands count as zeros, tiny results become zeros, NaNs are quieted, MXCSR neither
// acts nor changes (SDM volume 2, RCPSS and RSQRTSS).
Float32 reciprocal_estimate(Float32 value);
Float32 reciprocal_root_estimate(Float32 value);

}  // namespace tsbhyve::soft::fp
