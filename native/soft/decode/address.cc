// SPDX-License-Identifier: BSD-2-Clause
#include "soft/decode/address.h"

namespace tsbhyve::soft {
namespace {

constexpr u8 BX = 3, SP = 4, BP = 5, SI = 6, DI = 7;

i64 read_displacement(Cursor& cursor, u8 mod, size_t full_size) {
  if (mod == 1) return cursor.take_signed(1);
  return mod == 2 ? cursor.take_signed(full_size) : 0;
}

/// SDM volume 2, table 2-1.
void read_16bit(Cursor& cursor, u8 modrm, MemoryOperand& memory) {
  constexpr u8 bases[] = {BX, BX, BP, BP, SI, DI, BP, BX};
  constexpr u8 indexes[] = {SI, DI, SI, DI, no_register, no_register, no_register, no_register};
  const u8 mod = modrm >> 6;
  const u8 rm = modrm & 7;
  if (mod == 0 && rm == 6) {
    memory.displacement = cursor.take_signed(2);
    return;
  }
  memory.base = bases[rm];
  memory.index = indexes[rm];
  memory.displacement = read_displacement(cursor, mod, 2);
}

/// SDM volume 2, table 2-3; an index of 4 means none unless REX.X is set.
void read_sib(Cursor& cursor, const Prefixes& prefixes, u8 mod, MemoryOperand& memory) {
  const u8 sib = cursor.take_byte();
  const u8 index = static_cast<u8>((sib >> 3 & 7) | prefixes.x);
  if (index != SP) {
    memory.index = index;
    memory.scale = sib >> 6;
  }
  if ((sib & 7) == BP && mod == 0) {
    memory.displacement = cursor.take_signed(4);
    return;
  }
  memory.base = static_cast<u8>((sib & 7) | prefixes.b);
  memory.displacement = read_displacement(cursor, mod, 4);
}

/// SDM volume 2, table 2-2 and 2.2.1.6.
void read_32bit(Cursor& cursor, const Prefixes& prefixes, u8 modrm, CodeSize code_size, MemoryOperand& memory) {
  const u8 mod = modrm >> 6;
  const u8 rm = modrm & 7;
  if (rm == SP) {
    read_sib(cursor, prefixes, mod, memory);
  } else if (rm == BP && mod == 0) {
    if (code_size == CodeSize::Bits64) memory.base = rip_register;
    memory.displacement = cursor.take_signed(4);
  } else {
    memory.base = rm | prefixes.b;
    memory.displacement = read_displacement(cursor, mod, 4);
  }
}

}  // namespace

void read_address(Cursor& cursor, const Prefixes& prefixes, u8 modrm, CodeSize code_size, u8 address_size,
                  MemoryOperand& memory) {
  if (address_size == 2)
    read_16bit(cursor, modrm, memory);
  else
    read_32bit(cursor, prefixes, modrm, code_size, memory);
  const bool stack_base = memory.base == BP || (memory.base == SP && address_size != 2);
  if (stack_base && prefixes.segment == no_register) memory.segment = SS;
}

}  // namespace tsbhyve::soft
