// SPDX-License-Identifier: BSD-2-Clause
// MMX and SSE2 integer instructions, with the SSE extensions of MMX.
#include "soft/families.h"
#include "soft/sse/arithmetic.h"
#include "soft/sse/bitwise.h"
#include "soft/sse/insert.h"
#include "soft/sse/shift.h"
#include "soft/sse/shuffle.h"

namespace tsbhyve::soft {

namespace {

using namespace sse;

void add_shuffles(HandlerTable& table) {
  using enum Opcode;
  // The MMX forms of PUNPCKL read 32 bits of memory (SDM vol. 2, PUNPCKLBW).
  add_both<UnpackLow<u8>, MmxLow<u32>>(table, Punpcklbw);
  add_both<UnpackLow<u16>, MmxLow<u32>>(table, Punpcklwd);
  add_both<UnpackLow<u32>, MmxLow<u32>>(table, Punpckldq);
  add_xmm<UnpackLow<u64>>(table, Punpcklqdq);
  add_both<UnpackHigh<u8>>(table, Punpckhbw);
  add_both<UnpackHigh<u16>>(table, Punpckhwd);
  add_both<UnpackHigh<u32>>(table, Punpckhdq);
  add_xmm<UnpackHigh<u64>>(table, Punpckhqdq);
  add_both<Pack<i16, i8>>(table, Packsswb);
  add_both<Pack<i32, i16>>(table, Packssdw);
  add_both<Pack<i16, u8>>(table, Packuswb);
  table.set(Pshufw, reading<Unit::Mmx, MmxLow<u64>, OnMmx<ShuffleWords>>);
  add_xmm<ShuffleDwords>(table, Pshufd);
  add_xmm<ShuffleHighWords>(table, Pshufhw);
  add_xmm<ShuffleLowWords>(table, Pshuflw);
}

void add_sums(HandlerTable& table) {
  using enum Opcode;
  add_both<Plus<u8>>(table, Paddb);
  add_both<Plus<u16>>(table, Paddw);
  add_both<Plus<u32>>(table, Paddd);
  add_both<Plus<u64>>(table, Paddq);
  add_both<PlusSaturated<i8>>(table, Paddsb);
  add_both<PlusSaturated<i16>>(table, Paddsw);
  add_both<PlusSaturated<u8>>(table, Paddusb);
  add_both<PlusSaturated<u16>>(table, Paddusw);
  add_both<Minus<u8>>(table, Psubb);
  add_both<Minus<u16>>(table, Psubw);
  add_both<Minus<u32>>(table, Psubd);
  add_both<Minus<u64>>(table, Psubq);
  add_both<MinusSaturated<i8>>(table, Psubsb);
  add_both<MinusSaturated<i16>>(table, Psubsw);
  add_both<MinusSaturated<u8>>(table, Psubusb);
  add_both<MinusSaturated<u16>>(table, Psubusw);
  add_both<Average<u8>>(table, Pavgb);
  add_both<Average<u16>>(table, Pavgw);
  add_both<SumOfDifferences>(table, Psadbw);
}

void add_products(HandlerTable& table) {
  using enum Opcode;
  add_both<MultiplyLow16>(table, Pmullw);
  add_both<MultiplyHighSigned>(table, Pmulhw);
  add_both<MultiplyHighUnsigned>(table, Pmulhuw);
  add_both<MultiplyWide<u32>>(table, Pmuludq);
  add_both<MultiplyAdd<i16, i16, i32>>(table, Pmaddwd);
}

void add_comparisons(HandlerTable& table) {
  using enum Opcode;
  add_both<CompareGreater<i8>>(table, Pcmpgtb);
  add_both<CompareGreater<i16>>(table, Pcmpgtw);
  add_both<CompareGreater<i32>>(table, Pcmpgtd);
  add_both<CompareEqual<u8>>(table, Pcmpeqb);
  add_both<CompareEqual<u16>>(table, Pcmpeqw);
  add_both<CompareEqual<u32>>(table, Pcmpeqd);
  add_both<Lesser<u8>>(table, Pminub);
  add_both<Lesser<i16>>(table, Pminsw);
  add_both<Greater<u8>>(table, Pmaxub);
  add_both<Greater<i16>>(table, Pmaxsw);
}

void add_shifts(HandlerTable& table) {
  using enum Opcode;
  sse::add_shift<ShiftRight<u16>>(table, Psrlw);
  sse::add_shift<ShiftRight<u32>>(table, Psrld);
  sse::add_shift<ShiftRight<u64>>(table, Psrlq);
  sse::add_shift<ShiftRight<i16>>(table, Psraw);
  sse::add_shift<ShiftRight<i32>>(table, Psrad);
  sse::add_shift<ShiftLeft<u16>>(table, Psllw);
  sse::add_shift<ShiftLeft<u32>>(table, Pslld);
  sse::add_shift<ShiftLeft<u64>>(table, Psllq);
  add_byte_shift<ShiftRightBytes>(table, Psrldq);
  add_byte_shift<ShiftLeftBytes>(table, Pslldq);
}

struct ByteSignsToGeneral {
  template <class R>
  static void apply(Cpu* cpu, const Op* op, R value) {
    write_gpr<u32>(cpu, op->destination, byte_signs(value));
  }
};

Handler select_byte_signs(const Instruction& instruction, bool live) {
  return is_mmx(instruction.operands[1]) ? reading<Unit::Mmx, MmxLow<u64>, ByteSignsToGeneral>(instruction, live)
                                         : reading<Unit::Sse, XmmAligned, ByteSignsToGeneral>(instruction, live);
}

}  // namespace

void add_sse_integer(HandlerTable& table) {
  using enum Opcode;
  add_shuffles(table);
  add_sums(table);
  add_products(table);
  add_comparisons(table);
  add_shifts(table);
  add_both<BitAnd>(table, Pand);
  add_both<BitAndNot>(table, Pandn);
  add_both<BitOr>(table, Por);
  add_both<BitXor>(table, Pxor);
  table.set(Pmovmskb, select_byte_signs);
  table.set(Pinsrw, select_insert_word);
  table.set(Pextrw, select_extract_word);
}

}  // namespace tsbhyve::soft
