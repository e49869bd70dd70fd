// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "soft/op.h"

namespace tsbhyve::soft {

/// The handler of an instruction, from the families' rows.
Handler choose_handler(const Instruction& instruction, bool flags_live);

}  // namespace tsbhyve::soft
