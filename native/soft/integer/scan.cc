// SPDX-License-Identifier: BSD-2-Clause
// BSF, BSR, POPCNT, BSWAP and CRC32.
#include <bit>

#include "soft/flags.h"
#include "soft/integer/crc32.h"
#include "soft/integer/parts.h"
#include "soft/integer/select.h"
#include "soft/integer/wide.h"

namespace tsbhyve::soft {

namespace {

struct Forward {
  template <class T>
  static T index(T value) {
    return static_cast<T>(std::countr_zero(value));
  }
};
struct Reverse {
  template <class T>
  static T index(T value) {
    return static_cast<T>(width_bits<T> - 1 - std::countl_zero(value));
  }
};

/// A source of zero leaves the destination alone, its upper half included (documented by AMD, done by both vendors).
/// The flags other than ZF are what the hardware leaves: PF of the index, the rest clear.
template <class Direction, class T>
struct Scan {
  using Value = T;
  using Full = Scan;
  static void run(Cpu* cpu, const Op* op, T value) {
    if (value == 0) return write_status_flags(cpu, flag_zf | flag_pf);
    const T index = Direction::template index<T>(value);
    write_status_flags(cpu, parity_flag(index));
    write_gpr<T>(cpu, op->destination, index);
  }
};

template <class Direction>
Handler select_scan(const Instruction& instruction, bool) {
  return by_wide_width(instruction.operands[0].size,
                       [&]<class T>() { return read_source<Scan<Direction, T>>(instruction); });
}

template <class T>
struct CountOnes {
  using Value = T;
  using Full = CountOnes;
  static void run(Cpu* cpu, const Op* op, T value) {
    write_status_flags(cpu, value == 0 ? flag_zf : 0);
    write_gpr<T>(cpu, op->destination, static_cast<T>(std::popcount(value)));
  }
};

Handler select_popcnt(const Instruction& instruction, bool) {
  return by_wide_width(instruction.operands[0].size, [&]<class T>() { return read_source<CountOnes<T>>(instruction); });
}

template <class T>
struct Checksum {
  using Value = T;
  using Full = Checksum;
  static void run(Cpu* cpu, const Op* op, T value) {
    const u32 crc = crc32c(read_gpr<u32>(cpu, op->destination), value, sizeof(T));
    write_gpr<u32>(cpu, op->destination, crc);
  }
};

Handler select_crc32(const Instruction& instruction, bool) {
  return by_width(instruction.operands[1].size, [&]<class T>() { return read_source<Checksum<T>>(instruction); });
}

void swap16(Cpu* cpu, const Op* op) {
  write_gpr<u16>(cpu, op->destination, 0);  // undefined by the SDM; the hardware clears it
  NEXT(cpu, op);
}
void swap32(Cpu* cpu, const Op* op) {
  write_gpr<u32>(cpu, op->destination, __builtin_bswap32(read_gpr<u32>(cpu, op->destination)));
  NEXT(cpu, op);
}
void swap64(Cpu* cpu, const Op* op) {
  write_gpr<u64>(cpu, op->destination, __builtin_bswap64(read_gpr<u64>(cpu, op->destination)));
  NEXT(cpu, op);
}

Handler select_bswap(const Instruction& instruction, bool) {
  switch (instruction.operand_size) {
    case 2: return swap16;
    case 4: return swap32;
    default: return swap64;
  }
}

}  // namespace

void add_scan(HandlerTable& table) {
  table.set(Opcode::Bsf, select_scan<Forward>);
  table.set(Opcode::Bsr, select_scan<Reverse>);
  table.set(Opcode::Popcnt, select_popcnt);
  table.set(Opcode::Bswap, select_bswap);
  table.set(Opcode::Crc32, select_crc32);
}

}  // namespace tsbhyve::soft
