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

/// IRET that sets RFLAGS.AC from a stack that is not aligned. The new flag counts at once, and Linux, which does not
/// see it in the flags of the exception, takes that for a split lock and tries again, for ever.
bool never_ends_on_intel(const Instruction& instruction, const Case& test);

}  // namespace tsbhyve::differential
