// SPDX-License-Identifier: BSD-2-Clause
// Moves between register classes: MOVD, MOVQ, MOVMSKPS; and the masked stores.
#include "soft/memory/debug_watch.h"
#include "soft/sse/move.h"
#include "soft/sse/shuffle.h"

namespace tsbhyve::soft::sse {

namespace {

struct ToXmmZeroed {
  static void apply(Cpu* cpu, const Op* op, u64 value) { write_xmm(cpu, op->destination, low_only(value)); }
};
struct LowToXmmZeroed {
  static void apply(Cpu* cpu, const Op* op, V128 value) { write_xmm(cpu, op->destination, low_only(value[0])); }
};
struct ToMmxRegister {
  static void apply(Cpu* cpu, const Op* op, u64 value) { write_mmx(cpu, op->destination, value); }
};
struct LowToMmx {
  static void apply(Cpu* cpu, const Op* op, V128 value) { write_mmx(cpu, op->destination, value[0]); }
};

/// Source class of a move from a vector to a general register.
template <class T>
struct LowToGeneral {
  static void apply(Cpu* cpu, const Op* op, V128 value) {
    write_gpr<T>(cpu, op->destination, static_cast<T>(value[0]));
  }
};
template <class T>
struct MmxToGeneral {
  static void apply(Cpu* cpu, const Op* op, u64 value) { write_gpr<T>(cpu, op->destination, static_cast<T>(value)); }
};

/// MOVD and MOVQ with a general register or memory on one side; T by REX.W.
template <class T>
Handler select_general_move(const Instruction& instruction, bool live) {
  const Operand& destination = instruction.operands[0];
  if (is_xmm(destination)) return reading<Unit::Sse, General<T>, ToXmmZeroed>(instruction, live);
  if (is_mmx(destination)) return reading<Unit::Mmx, General<T>, ToMmxRegister>(instruction, live);
  if (is_mmx(instruction.operands[1])) {
    return in_memory(destination) ? storing<Unit::Mmx, T, Alignment::Any, SourceMmx<T>>(instruction, live)
                                  : reading<Unit::Mmx, MmxLow<T>, MmxToGeneral<T>>(instruction, live);
  }
  return in_memory(destination) ? storing<Unit::Sse, T, Alignment::Any, SourceXmmLow<T>>(instruction, live)
                                : reading<Unit::Sse, XmmLow<T>, LowToGeneral<T>>(instruction, live);
}

Handler select_movd(const Instruction& instruction, bool live) {
  const Operand& destination = instruction.operands[0];
  const bool to_vector = is_xmm(destination) || is_mmx(destination);
  const u8 size = to_vector ? instruction.operands[1].size : destination.size;
  return size == 8 ? select_general_move<u64>(instruction, live) : select_general_move<u32>(instruction, live);
}

/// MOVQ between vector registers of one class, or with memory.
Handler select_movq(const Instruction& instruction, bool live) {
  const Operand &destination = instruction.operands[0], &source = instruction.operands[1];
  if (in_memory(destination)) {
    return is_mmx(source) ? storing<Unit::Mmx, u64, Alignment::Any, SourceMmx<u64>>(instruction, live)
                          : storing<Unit::Sse, u64, Alignment::Any, SourceXmmLow<u64>>(instruction, live);
  }
  return is_mmx(destination) ? reading<Unit::Mmx, MmxLow<u64>, ToMmxRegister>(instruction, live)
                             : reading<Unit::Sse, XmmLow<u64>, LowToXmmZeroed>(instruction, live);
}

struct SignsOfSingles {
  static u32 of(V128 value) {
    const auto signs = [](u64 lane) { return static_cast<u32>((lane >> 31 & 1) | (lane >> 62 & 2)); };
    return signs(value[0]) | signs(value[1]) << 2;
  }
};
struct SignsOfDoubles {
  static u32 of(V128 value) { return static_cast<u32>((value[0] >> 63) | (value[1] >> 63) << 1); }
};
template <class Signs>
struct SignsToGeneral {
  static void apply(Cpu* cpu, const Op* op, V128 value) { write_gpr<u32>(cpu, op->destination, Signs::of(value)); }
};

/// MASKMOVDQU and MASKMOVQ: bytes of the first operand whose mask byte has bit 7 set go to DS:rDI. A mask of zeros
/// touches no memory.
template <class R>
[[gnu::noinline]] void store_masked(Cpu* cpu, const Op* op, R value, R mask) {
  const auto bytes = lanes<u8>(value), selected = lanes<u8>(mask);
  const u64 offset = cut_address(op, cpu->gpr[RDI]);
  if (byte_signs(mask) == 0) return;
  const u64 lin = linear_in(cpu, op, op->segment, offset, sizeof(R), true);
  probe_write(cpu, op, lin, sizeof(R), op->segment);
  for (u32 i = 0; i < sizeof(R); i++) {
    if (selected[i] & 0x80) store<u8>(cpu, op, cut_linear(cpu, lin + i), bytes[i]);
  }
}
struct StoreMaskedXmm {
  static void apply(Cpu* cpu, const Op* op, V128 mask) {
    store_masked<V128>(cpu, op, read_xmm(cpu, op->destination), mask);
  }
};
struct StoreMaskedMmx {
  static void apply(Cpu* cpu, const Op* op, u64 mask) {
    store_masked<u64>(cpu, op, read_mmx(cpu, op->destination), mask);
  }
};

}  // namespace

void add_transfers(HandlerTable& table) {
  using enum Opcode;
  table.set(Movd, select_movd);
  table.set(Movq, select_movq);
  table.set(Movq2dq, reading<Unit::Both, MmxLow<u64>, ToXmmZeroed>);
  table.set(Movdq2q, reading<Unit::Both, XmmLow<u64>, LowToMmx>);
  table.set(Movntq, storing<Unit::Mmx, u64, Alignment::Any, SourceMmx<u64>>);
  table.set(Movmskps, reading<Unit::Sse, XmmAligned, SignsToGeneral<SignsOfSingles>>);
  table.set(Movmskpd, reading<Unit::Sse, XmmAligned, SignsToGeneral<SignsOfDoubles>>);
  table.set(Maskmovdqu, reading<Unit::Sse, XmmAligned, StoreMaskedXmm>);
  table.set(Maskmovq, reading<Unit::Mmx, MmxLow<u64>, StoreMaskedMmx>);
}

}  // namespace tsbhyve::soft::sse
