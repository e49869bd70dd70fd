// SPDX-License-Identifier: BSD-2-Clause
// The groups of x87 instructions that add_x87 (families.h) puts together.
#pragma once

#include "soft/op.h"

namespace tsbhyve::soft::x87 {

void add_arithmetic(HandlerTable& table);   // FADD .. FIDIVR
void add_compare(HandlerTable& table);      // FCOM .. FXAM
void add_load(HandlerTable& table);         // FLD, FILD, FBLD, constants
void add_store(HandlerTable& table);        // FST .. FBSTP
void add_register(HandlerTable& table);     // FXCH, FCMOVcc, FCHS, FABS, FFREE, FINCSTP, FDECSTP, FNOP
void add_function(HandlerTable& table);     // FSQRT, FRNDINT, FSCALE, FPREM, FXTRACT and the transcendental functions
void add_control(HandlerTable& table);      // FNINIT .. FWAIT, EMMS
void add_environment(HandlerTable& table);  // FLDENV, FNSTENV, FRSTOR, FNSAVE
void add_extended_state(HandlerTable& table);  // FXSAVE, FXRSTOR and the next
void add_xsave(HandlerTable& table);           // XSAVE, XRSTOR

}  // namespace tsbhyve::soft::x87
