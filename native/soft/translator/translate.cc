// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/families.h"

namespace tsbhyve::soft {

bool translate(Emitter& e) {
  using enum Opcode;
  switch (e.instruction->opcode) {
    case Add:
    case Or:
    case Adc:
    case Sbb:
    case And:
    case Sub:
    case Xor:
    case Cmp:
    case Test: return translate_arithmetic(e);
    case Inc:
    case Dec:
    case Neg:
    case Not:
    case Bswap: return translate_unary(e);
    case Shl:
    case Shr:
    case Sar:
    case Rol:
    case Ror: return translate_shift(e);
    case Mul:
    case Imul1:
    case Imul2:
    case Imul3: return translate_multiply(e);
    case Bt:
    case Bts:
    case Btr:
    case Btc: return translate_bit(e);
    case Mov:
    case Movnti:
    case Movzx:
    case Movsx:
    case Movsxd:
    case Lea:
    case Xchg:
    case Cbw:
    case Cwd:
    case Nop:
    case Prefetch:
    case Lfence:
    case Sfence:
    case Mfence: return translate_move(e);
    case Cmovcc:
    case Setcc: return translate_conditional(e);
    case Xadd: return translate_exchange_add(e);
    case Cmpxchg: return translate_compare_exchange(e);
    case Div:
    case Idiv: return translate_divide(e);
    case Bsf:
    case Bsr: return translate_scan(e);
    case Popcnt: return translate_popcnt(e);
    case Swapgs: return translate_swapgs(e);
    case Push:
    case Pop:
    case Leave: return translate_stack(e);
    case Movs:
    case Stos: return translate_string(e);
    default: return translate_sse(e);
  }
}

}  // namespace tsbhyve::soft
