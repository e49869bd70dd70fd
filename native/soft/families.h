// SPDX-License-Identifier: BSD-2-Clause
// The instruction families: each adds its rows to the dispatch table.
#pragma once

#include "soft/op.h"

namespace tsbhyve::soft {

void add_arithmetic(HandlerTable& table);  // integer/: ADD .. TEST, INC, DEC, NEG, NOT
void add_multiply(HandlerTable& table);    // MUL, IMUL, DIV, IDIV
void add_shift(HandlerTable& table);
void add_bit(HandlerTable& table);         // BT*, BSF, BSR, POPCNT, BSWAP, CRC32
void add_decimal(HandlerTable& table);     // AAA .. DAS
void add_move(HandlerTable& table);        // MOV .. LEA, XCHG, CMOVcc, SETcc, CBW, CWD, XLAT, flags
void add_atomic(HandlerTable& table);      // XADD, CMPXCHG*
void add_stack(HandlerTable& table);       // PUSH .. LEAVE
void add_branch(HandlerTable& table);      // near control flow, NOP, PAUSE
void add_string(HandlerTable& table);      // MOVS .. CMPS
void add_far(HandlerTable& table);         // system/: far transfers, INT, IRET
void add_fast_call(HandlerTable& table);   // SYSCALL .. SYSEXIT, SWAPGS
void add_descriptor(HandlerTable& table);  // LGDT .. ARPL, MOV Sreg, LDS
void add_control(HandlerTable& table);     // MOV CR/DR, CLTS, LMSW, INVLPG, HLT, CLI, STI, CPUID, MSRs, TSC, fences
void add_port(HandlerTable& table);        // IN, OUT, INS, OUTS
void add_sse_move(HandlerTable& table);    // sse/
void add_sse_float(HandlerTable& table);
void add_sse_convert(HandlerTable& table);
void add_sse_integer(HandlerTable& table);  // MMX and SSE2 integer
void add_sse_later(HandlerTable& table);    // SSE3 .. SSE4.2
void add_x87(HandlerTable& table);          // x87/

/// A handler that raises #UD.
void undefined_opcode(Cpu* cpu, const Op* op);

/// The pair that may run as one Op: compare or test, then Jcc (integer/fused.cc). Null when there is none.
Handler fused_compare_branch(const Instruction& compare, const Instruction& branch);

}  // namespace tsbhyve::soft
