// SPDX-License-Identifier: BSD-2-Clause
// MOVZX, MOVSX, MOVSXD, CBW .. CDQE, CWD .. CQO and LEA.
#include "soft/integer/parts.h"
#include "soft/integer/select.h"
#include "soft/integer/wide.h"

namespace tsbhyve::soft {

namespace {

template <class To, class From, bool SignExtend>
struct Extend {
  using Value = From;
  using Full = Extend;
  static void run(Cpu* cpu, const Op* op, From value) {
    const auto wide = SignExtend ? static_cast<To>(static_cast<Signed<From>>(value)) : static_cast<To>(value);
    write_gpr<To>(cpu, op->destination, wide);
  }
};

template <class To, bool SignExtend>
Handler select_extension_to(const Instruction& instruction) {
  switch (instruction.operands[1].size) {
    case 1: return read_source<Extend<To, u8, SignExtend>>(instruction);
    case 2: return read_source<Extend<To, u16, SignExtend>>(instruction);
    case 4: return read_source<Extend<To, u32, SignExtend>>(instruction);
    default: return nullptr;
  }
}

/// MOVSXD without REX.W is a plain move; a destination narrower than the source takes its low part.
template <bool SignExtend>
Handler select_extension(const Instruction& instruction, bool) {
  return by_wide_width(instruction.operands[0].size,
                       [&]<class To>() { return select_extension_to<To, SignExtend>(instruction); });
}

/// CBW, CWDE, CDQE: the lower half of the accumulator into the whole.
template <class To, class From>
void extend_accumulator(Cpu* cpu, const Op* op) {
  const auto low = static_cast<Signed<From>>(read_gpr<From>(cpu, RAX * 8));
  write_gpr<To>(cpu, RAX * 8, static_cast<To>(low));
  NEXT(cpu, op);
}

Handler select_cbw(const Instruction& instruction, bool) {
  switch (instruction.operand_size) {
    case 2: return extend_accumulator<u16, u8>;
    case 4: return extend_accumulator<u32, u16>;
    default: return extend_accumulator<u64, u32>;
  }
}

/// CWD, CDQ, CQO: the accumulator's sign into every bit of DX, EDX or RDX.
template <class T>
void spread_sign(Cpu* cpu, const Op* op) {
  const bool negative = static_cast<Signed<T>>(read_gpr<T>(cpu, RAX * 8)) < 0;
  write_gpr<T>(cpu, RDX * 8, negative ? static_cast<T>(~T{0}) : T{0});
  NEXT(cpu, op);
}

Handler select_cwd(const Instruction& instruction, bool) {
  return by_wide_width(instruction.operand_size, []<class T>() -> Handler { return spread_sign<T>; });
}

template <class T, Place P>
void load_address(Cpu* cpu, const Op* op) {
  u64 address;
  if constexpr (P == Place::General)
    address = effective_address(cpu, op);
  else
    address = flat_address<P>(cpu, op);
  write_gpr<T>(cpu, op->destination, static_cast<T>(address));
  NEXT(cpu, op);
}

Handler select_lea(const Instruction& instruction, bool) {
  return by_wide_width(instruction.operand_size, [&]<class T>() -> Handler {
    if (instruction.address_size != 8) return load_address<T, Place::General>;
    return instruction.memory.index == no_register ? load_address<T, Place::Base> : load_address<T, Place::Indexed>;
  });
}

}  // namespace

void add_extend(HandlerTable& table) {
  table.set(Opcode::Movzx, select_extension<false>);
  table.set(Opcode::Movsx, select_extension<true>);
  table.set(Opcode::Movsxd, select_extension<true>);
  table.set(Opcode::Cbw, select_cbw);
  table.set(Opcode::Cwd, select_cwd);
  table.set(Opcode::Lea, select_lea);
}

}  // namespace tsbhyve::soft
