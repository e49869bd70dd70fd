// SPDX-License-Identifier: BSD-2-Clause
// Families that are spread over several files: the parts that the functions of families.h call.
#pragma once

#include "soft/op.h"

namespace tsbhyve::soft {

void add_unary(HandlerTable& table);         // INC, DEC, NEG, NOT
void add_double_shift(HandlerTable& table);  // SHLD, SHRD
void add_scan(HandlerTable& table);          // BSF, BSR, POPCNT, BSWAP, CRC32
void add_extend(HandlerTable& table);        // MOVZX, MOVSX, MOVSXD, CBW, CWD, LEA
void add_conditional(HandlerTable& table);   // CMOVcc, SETcc
void add_flag_move(HandlerTable& table);     // LAHF .. SALC
void add_frame(HandlerTable& table);         // PUSHA, POPA, ENTER, LEAVE
void add_flags_stack(HandlerTable& table);   // PUSHF, POPF
void add_indirect(HandlerTable& table);      // JMP, CALL and RET through registers and memory
void add_scan_string(HandlerTable& table);   // SCAS, CMPS

}  // namespace tsbhyve::soft
