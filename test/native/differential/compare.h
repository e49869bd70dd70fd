// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string>

#include "allowed.h"
#include "state.h"

namespace tsbhyve::differential {

/// Blanks whatever does not count: what the mode does not have, what the case does not use, what may differ.
void canonicalize(const Case& test, const Instruction& instruction, const Tolerance& tolerance, Result& result);

/// Whether two canonical results agree.
bool same(const Case& test, const Result& a, const Result& b);

/// One line for each difference.
std::string differences(const Case& test, const Result& expected, const Result& got);

/// Of a memory access.
bool is_access_fault(u8 vector);

}  // namespace tsbhyve::differential
