// SPDX-License-Identifier: BSD-2-Clause
// What only Intel's processors do otherwise than the soft CPU. docs/differential-test.md lists it.
#pragma once

#include "allowed.h"

namespace tsbhyve::differential {

void allow_intel(const Instruction& instruction, const Case& test, const Result& host, const Result& guest,
                 Tolerance& tolerance);
void allow_intel_in_block(const Case& test, const Result& host, const Result& guest, Tolerance& tolerance);

/// Whether the instruction does not fit a block for what it does there.
bool differs_on_intel(const Instruction& instruction);

}  // namespace tsbhyve::differential
