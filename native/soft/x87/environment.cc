// SPDX-License-Identifier: BSD-2-Clause
// FNSTENV, FLDENV, FNSAVE, FRSTOR. Four layouts of the environment: seven words or doublewords, in protected or in
// real-address form (SDM volume 1, figures 8-9 to 8-12).
#include "soft/x87/access.h"
#include "soft/x87/control.h"
#include "soft/x87/groups.h"

namespace tsbhyve::soft::x87 {

namespace {

constexpr u32 environment_fields = 7;
constexpr u32 register_count = 8, register_bytes = 10;

struct Environment {
  u32 field[environment_fields];
};

u32 field_bytes(const Op* op) { return (op->bits & op_operand16) != 0 ? 2 : 4; }
bool is_real_form(const Cpu* cpu) { return real_mode(cpu) || virtual8086(cpu); }

/// Two bits a register: 0 valid, 1 zero, 2 special, 3 empty (SDM volume 1, 8.1.7).
u32 full_tag(const FpuState& fpu, u32 physical_register) {
  if ((fpu.empty >> physical_register & 1u) != 0) return 3;
  const Float80& value = fpu.registers[physical_register];
  const u32 exponent = value.sign_exponent & 0x7fffu;
  if (exponent == 0 && value.significand == 0) return 1;
  const bool normal = exponent != 0 && exponent != 0x7fff && (value.significand & fp::integer_bit) != 0;
  return normal ? 0 : 2;
}

u32 tag_word(const FpuState& fpu) {
  u32 word = 0;
  for (u32 i = 0; i < register_count; i++) word |= full_tag(fpu, i) << (2 * i);
  return word;
}

void set_tag_word(FpuState& fpu, u32 word) {
  u32 empty = 0;
  for (u32 i = 0; i < register_count; i++) empty |= (word >> (2 * i) & 3u) == 3 ? 1u << i : 0u;
  fpu.empty = static_cast<u8>(empty);
}

// The upper halves of the doubleword layout read as ones.
constexpr u32 reserved_ones = 0xffff0000;

Environment protected_form(const FpuState& fpu, u32 ones) {
  return {{fpu.control | ones, fpu.status | ones, tag_word(fpu) | ones, static_cast<u32>(fpu.instruction_pointer),
           fpu.code_selector | u32{fpu.opcode} << 16, static_cast<u32>(fpu.data_pointer), fpu.data_selector | ones}};
}

/// Linear addresses, with bits 16 and up beside the opcode.
Environment real_form(const FpuState& fpu, u32 ones) {
  const u32 code = (u32{fpu.code_selector} << 4) + static_cast<u32>(fpu.instruction_pointer);
  const u32 data = (u32{fpu.data_selector} << 4) + static_cast<u32>(fpu.data_pointer);
  return {{fpu.control | ones, fpu.status | ones, tag_word(fpu) | ones, (code & 0xffff) | ones,
           code >> 16 << 12 | fpu.opcode, (data & 0xffff) | ones, data >> 16 << 12}};
}

void write_environment(Cpu* cpu, const Op* op, u64 lin) {
  const u32 bytes = field_bytes(op);
  const Environment environment =
      is_real_form(cpu) ? real_form(cpu->fpu, reserved_ones) : protected_form(cpu->fpu, reserved_ones);
  for (u32 i = 0; i < environment_fields; i++) {
    const u64 at = advanced(cpu, lin, u64{i} * bytes);
    if (bytes == 2) {
      store<u16>(cpu, op, at, static_cast<u16>(environment.field[i]));
    } else {
      store<u32>(cpu, op, at, environment.field[i]);
    }
  }
}

Environment read_environment(Cpu* cpu, const Op* op, u64 lin) {
  const u32 bytes = field_bytes(op);
  Environment environment{};
  for (u32 i = 0; i < environment_fields; i++) {
    const u64 at = advanced(cpu, lin, u64{i} * bytes);
    environment.field[i] = bytes == 2 ? load<u16>(cpu, op, at) : load<u32>(cpu, op, at);
  }
  return environment;
}

/// Offset of a linear address of the real-address form, whose selector counts as zero afterwards.
u32 real_address(const Environment& environment, u32 low, u32 high) {
  return (environment.field[low] & 0xffff) | (environment.field[high] >> 12 & 0xffff) << 16;
}

void take_environment(Cpu* cpu, const Op* op, const Environment& environment) {
  FpuState& fpu = cpu->fpu;
  fpu.status = static_cast<u16>(environment.field[1]);
  set_tag_word(fpu, environment.field[2]);
  if (is_real_form(cpu)) {
    fpu.instruction_pointer = real_address(environment, 3, 4);
    fpu.opcode = static_cast<u16>(environment.field[4] & 0x7ff);
    fpu.data_pointer = real_address(environment, 5, 6);
    fpu.code_selector = 0;
    fpu.data_selector = 0;
  } else {
    fpu.instruction_pointer = environment.field[3];
    fpu.code_selector = static_cast<u16>(environment.field[4]);
    // The word layout has no room for the opcode.
    if (field_bytes(op) == 4) fpu.opcode = static_cast<u16>(environment.field[4] >> 16 & 0x7ff);
    fpu.data_pointer = environment.field[5];
    fpu.data_selector = static_cast<u16>(environment.field[6]);
  }
  set_control(fpu, environment.field[0]);
}

void fnstenv(Cpu* cpu, const Op* op) {
  require_unit(cpu, op);
  const u32 size = environment_fields * field_bytes(op);
  const u64 lin = operand_address(cpu, op, size, true);
  probe_write(cpu, op, lin, size, op->segment);
  write_environment(cpu, op, lin);
  set_control(cpu->fpu, u32{cpu->fpu.control} | control_masks);
}

void fldenv(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  const u64 lin = operand_address(cpu, op, environment_fields * field_bytes(op), false);
  take_environment(cpu, op, read_environment(cpu, op, lin));
}

u32 image_bytes(const Op* op) { return environment_fields * field_bytes(op) + register_count * register_bytes; }

u64 register_address(const Cpu* cpu, const Op* op, u64 lin, u32 i) {
  return advanced(cpu, lin, u64{environment_fields} * field_bytes(op) + u64{i} * register_bytes);
}

void fnsave(Cpu* cpu, const Op* op) {
  require_unit(cpu, op);
  const u64 lin = operand_address(cpu, op, image_bytes(op), true);
  probe_write(cpu, op, lin, image_bytes(op), op->segment);
  write_environment(cpu, op, lin);
  for (u32 i = 0; i < register_count; i++) store80(cpu, op, register_address(cpu, op, lin, i), get(cpu->fpu, i));
  initialize(cpu->fpu);
}

void frstor(Cpu* cpu, const Op* op) {
  require_ready(cpu, op);
  const u64 lin = operand_address(cpu, op, image_bytes(op), false);
  const Environment environment = read_environment(cpu, op, lin);
  fp::Float80 values[register_count];
  for (u32 i = 0; i < register_count; i++) values[i] = load80(cpu, op, register_address(cpu, op, lin, i));
  FpuState& fpu = cpu->fpu;
  take_environment(cpu, op, environment);
  for (u32 i = 0; i < register_count; i++) {
    fpu.registers[physical(fpu, i)] = {values[i].significand, values[i].sign_exponent};
  }
}

}  // namespace

void add_environment(HandlerTable& table) {
  table.set(Opcode::Fnstenv, always<fnstenv>);
  table.set(Opcode::Fldenv, always<fldenv>);
  table.set(Opcode::Fnsave, always<fnsave>);
  table.set(Opcode::Frstor, always<frstor>);
}

}  // namespace tsbhyve::soft::x87
