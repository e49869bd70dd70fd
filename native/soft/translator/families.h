// SPDX-License-Identifier: BSD-2-Clause
// The families of instructions. Each emits the one in hand, or returns false before it has changed anything.
#pragma once

#include "soft/translator/emitter.h"

namespace tsbhyve::soft {

bool translate_arithmetic(Emitter& e);  // ADD .. TEST
bool translate_unary(Emitter& e);       // INC, DEC, NEG, NOT, BSWAP
bool translate_shift(Emitter& e);
bool translate_multiply(Emitter& e);
bool translate_bit(Emitter& e);  // BT .. BTC
bool translate_move(Emitter& e);
bool translate_conditional(Emitter& e);      // CMOVcc, SETcc
bool translate_stack(Emitter& e);            // PUSH, POP, LEAVE
bool translate_locked(Emitter& e);           // LOCK ADD .. LOCK XOR
bool translate_carry_to_memory(Emitter& e);  // ADC and SBB
bool translate_unary_memory(Emitter& e);
bool translate_exchange_memory(Emitter& e);
bool translate_exchange_add(Emitter& e);
bool translate_compare_exchange(Emitter& e);
bool translate_divide(Emitter& e);
bool translate_scan(Emitter& e);
bool translate_popcnt(Emitter& e);
bool translate_string(Emitter& e);  // REP MOVS and REP STOS
bool translate_swapgs(Emitter& e);
bool translate_sse(Emitter& e);

inline bool is_memory(const Operand& operand) { return operand.kind == OperandKind::Memory; }
inline bool is_register(const Operand& operand) { return operand.kind == OperandKind::Gpr; }
inline bool is_immediate(const Operand& operand) { return operand.kind == OperandKind::Immediate; }
inline bool is_high(const Operand& operand) { return operand.kind == OperandKind::GprHigh; }

}  // namespace tsbhyve::soft
