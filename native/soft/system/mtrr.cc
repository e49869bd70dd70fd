// SPDX-License-Identifier: BSD-2-Clause
#include "soft/system/mtrr.h"

#include "soft/platform.h"

namespace tsbhyve::soft {

namespace {

constexpr u32 mtrr_cap = 0xfe, first_variable = 0x200, last_variable = 0x20f, default_type = 0x2ff;
constexpr u64 cap_value = 8 | (1 << 8) | (1 << 10);  // eight variable ranges, fixed ranges, write combining
constexpr u32 fixed[11] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f};
constexpr u64 default_writable = 0xcff, mask_valid = 1 << 11;

bool valid_type(u64 type) { return type == 0 || type == 1 || (type >= 4 && type <= 6); }

int fixed_number(u32 index) {
  for (int i = 0; i < 11; i++) {
    if (fixed[i] == index) return i;
  }
  return -1;
}

bool is_variable(u32 index) { return index >= first_variable && index <= last_variable; }

bool valid_fixed(u64 value) {
  for (u32 i = 0; i < 8; i++) {
    if (!valid_type((value >> (8 * i)) & 0xff)) return false;
  }
  return true;
}

bool valid_variable(const Cpu* cpu, u32 index, u64 value) {
  const u64 address = ((u64{1} << cpu->platform->physical_bits) - 1) & page_mask;
  if (index & 1) return !(value & ~(address | mask_valid));
  return !(value & ~(address | 0xff)) && valid_type(value & 0xff);
}

}  // namespace

bool is_mtrr(u32 index) {
  return index == mtrr_cap || index == default_type || is_variable(index) || fixed_number(index) >= 0;
}

bool read_mtrr(const Cpu* cpu, u32 index, u64& value) {
  if (index == mtrr_cap) {
    value = cap_value;
  } else if (index == default_type) {
    value = cpu->msr.mtrr_default;
  } else if (is_variable(index)) {
    value = cpu->msr.mtrr_variable[index - first_variable];
  } else {
    value = cpu->msr.mtrr_fixed[fixed_number(index)];
  }
  return true;
}

bool write_mtrr(Cpu* cpu, u32 index, u64 value) {
  if (index == mtrr_cap) return false;
  if (index == default_type) {
    if ((value & ~default_writable) || !valid_type(value & 0xff)) return false;
    cpu->msr.mtrr_default = value;
    return true;
  }
  if (is_variable(index)) {
    if (!valid_variable(cpu, index, value)) return false;
    cpu->msr.mtrr_variable[index - first_variable] = value;
    return true;
  }
  if (!valid_fixed(value)) return false;
  cpu->msr.mtrr_fixed[fixed_number(index)] = value;
  return true;
}

}  // namespace tsbhyve::soft
