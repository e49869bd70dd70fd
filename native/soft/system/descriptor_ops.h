// SPDX-License-Identifier: BSD-2-Clause
// The parts of the descriptor family.
#pragma once

#include "soft/op.h"
#include "soft/system/descriptor.h"

namespace tsbhyve::soft {

void add_descriptor_tables(HandlerTable& table);  // LGDT .. STR
void add_descriptor_checks(HandlerTable& table);  // LAR, LSL, VERR, VERW, ARPL
void add_segment_moves(HandlerTable& table);      // MOV, PUSH and POP of segment registers, LDS and its kin

}  // namespace tsbhyve::soft
