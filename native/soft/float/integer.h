// SPDX-License-Identifier: BSD-2-Clause
// Integers of 16, 32 and 64 bits, packed decimals, and rounding to an integral value.
#pragma once

#include <array>

#include "unpacked.h"

namespace tsbhyve::soft::fp {

enum class IntegerWidth : uint8_t { word = 16, doubleword = 32, quadword = 64 };

// FILD (exact for Float80) and CVTSI2SS/SD.
template <class F>
F from_integer(Context& context, int64_t value);

// An integer as an operand of FIADD and its relatives.
Unpacked unpack_integer(int64_t value);

// FIST, FISTTP, CVTSS2SI, CVTTSS2SI. What does not fit raises invalid and gives the integer indefinite (most negative
// value).
int64_t to_integer(Context& context, Rounding rounding, IntegerWidth width, const Unpacked& value);

// FRNDINT, and ROUNDSS/ROUNDSD, whose immediate may choose the mode and, by clearing inexact afterwards, hide the
// exception.
template <class F>
F round_to_integral(Context& context, Rounding rounding, const Unpacked& value);

// 18 digits, two a byte, least significant first; bit 7 of byte 9 is the sign (SDM volume 1, 4.7).
using PackedDecimal = std::array<uint8_t, 10>;

// FBLD; digits above 9 are undefined by the SDM and count here with their face value.
Float80 from_decimal(const PackedDecimal& decimal);

// FBSTP; what does not fit raises invalid and gives the packed decimal indefinite.
PackedDecimal to_decimal(Context& context, const Unpacked& value);

}  // namespace tsbhyve::soft::fp
