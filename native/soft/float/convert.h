// SPDX-License-Identifier: BSD-2-Clause
// Conversions between formats, and x87 constants.
#pragma once

#include "unpacked.h"

namespace tsbhyve::soft::fp {

// FLD m32/m64 (To = Float80, always exact) and CVTSS2SD, CVTSD2SS: signaling NaNs and denormals are reported. An
// unmasked denormal does not stop FLD: the converted value is pushed.
template <class To>
To convert(Context& context, const Unpacked& value);

// FST m32/m64 and FST m80: as above, but a denormal register raises nothing (SDM volume 2, FST).
template <class To>
To store(Context& context, const Unpacked& value);

enum class Constant : uint8_t { one, log2_10, log2_e, pi, log10_2, ln_2, zero };

// FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ in opcode order D9 E8-EE; rounded by mode, never inexact (SDM
// volume 1, 8.3.4).
Float80 constant(const Context& context, Constant name);

}  // namespace tsbhyve::soft::fp
