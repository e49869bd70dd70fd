// SPDX-License-Identifier: BSD-2-Clause
// The parts of the control family.
#pragma once

#include "soft/op.h"

namespace tsbhyve::soft {

void add_control_registers(HandlerTable& table);  // MOV CR, CLTS, LMSW, SMSW
void add_debug_registers(HandlerTable& table);    // MOV DR
void add_translation(HandlerTable& table);        // INVLPG, INVPCID, caches and fences
void add_flag_control(HandlerTable& table);       // CLI, STI, CLAC, STAC, HLT
void add_extended_control(HandlerTable& table);   // XGETBV, XSETBV
void add_model(HandlerTable& table);              // CPUID, RDMSR .. RDPMC, FS and GS bases

}  // namespace tsbhyve::soft
