// SPDX-License-Identifier: BSD-2-Clause
// FXSAVE and FXRSTOR (SDM volume 1, 10.5). Neither looks at pending x87 exceptions.
#include "soft/host/rounding.h"
#include "soft/x87/groups.h"
#include "soft/x87/image.h"

namespace tsbhyve::soft::x87 {

namespace {

constexpr u32 slot_bytes = 16;
// Offsets of SDM volume 1, table 10-2.
constexpr u32 control_at = 0, status_at = 2, tags_at = 4, opcode_at = 6, instruction_at = 8, data_at = 16,
              mxcsr_at = 24, mask_at = 28, registers_at = 32, xmm_at = 160;

/// Eight XMM registers outside 64-bit mode; none while the system has not announced FXSAVE support in CR4.OSFXSR.
u32 xmm_count(const Cpu* cpu) {
  if ((cpu->cr4 & cr4::OSFXSR) == 0) return 0;
  return code64(cpu) ? 16 : 8;
}

u64 image_address(Cpu* cpu, const Op* op, bool is_write) {
  require_unit(cpu, op);
  const u64 lin = operand_address(cpu, op, image_bytes, is_write);
  if ((lin & (slot_bytes - 1)) != 0) raise(cpu, op, Vector::GP, 0);
  return lin;
}

void write_pointers(Cpu* cpu, const Op* op, u64 lin) {
  const FpuState& fpu = cpu->fpu;
  if ((op->bits & op_rex_w) != 0) {
    store<u64>(cpu, op, advanced(cpu, lin, instruction_at), fpu.instruction_pointer);
    store<u64>(cpu, op, advanced(cpu, lin, data_at), fpu.data_pointer);
    return;
  }
  const u64 code = (fpu.instruction_pointer & 0xffffffff) | u64{fpu.code_selector} << 32;
  const u64 data = (fpu.data_pointer & 0xffffffff) | u64{fpu.data_selector} << 32;
  store<u64>(cpu, op, advanced(cpu, lin, instruction_at), code);
  store<u64>(cpu, op, advanced(cpu, lin, data_at), data);
}

void take_pointers(Cpu* cpu, const Op* op, const Image& image) {
  FpuState& fpu = cpu->fpu;
  fpu.opcode = image.opcode & 0x7ff;
  const bool wide = (op->bits & op_rex_w) != 0;
  const u64 offset_mask = wide ? ~u64{0} : 0xffffffff;
  fpu.instruction_pointer = image.instruction & offset_mask;
  fpu.data_pointer = image.data & offset_mask;
  fpu.code_selector = wide ? u16{0} : static_cast<u16>(image.instruction >> 32);
  fpu.data_selector = wide ? u16{0} : static_cast<u16>(image.data >> 32);
}

}  // namespace

void store_x87(Cpu* cpu, const Op* op, u64 lin) {
  const FpuState& fpu = cpu->fpu;
  store<u16>(cpu, op, advanced(cpu, lin, control_at), fpu.control);
  store<u16>(cpu, op, advanced(cpu, lin, status_at), fpu.status);
  // One bit a register, set when it is not empty.
  store<u16>(cpu, op, advanced(cpu, lin, tags_at), static_cast<u16>(~u32{fpu.empty} & 0xff));
  store<u16>(cpu, op, advanced(cpu, lin, opcode_at), fpu.opcode);
  write_pointers(cpu, op, lin);
  for (u32 i = 0; i < 8; i++) {
    const fp::Float80 value = get(fpu, i);
    const u64 at = advanced(cpu, lin, registers_at + i * slot_bytes);
    store<u64>(cpu, op, at, value.significand);
    store<u64>(cpu, op, advanced(cpu, at, 8), value.sign_exponent);
  }
}

void store_mxcsr(Cpu* cpu, const Op* op, u64 lin) {
  store<u32>(cpu, op, advanced(cpu, lin, mxcsr_at), cpu->mxcsr);
  store<u32>(cpu, op, advanced(cpu, lin, mask_at), mxcsr_mask);
}

void store_xmm(Cpu* cpu, const Op* op, u64 lin, u32 count) {
  for (u32 i = 0; i < count; i++) {
    store128(cpu, op, advanced(cpu, lin, xmm_at + i * slot_bytes), {cpu->xmm[i].lane[0], cpu->xmm[i].lane[1]});
  }
}

Image load_image(Cpu* cpu, const Op* op, u64 lin, u32 xmm_count) {
  Image image{};
  image.control = load<u16>(cpu, op, advanced(cpu, lin, control_at));
  image.status = load<u16>(cpu, op, advanced(cpu, lin, status_at));
  image.tags = load<u16>(cpu, op, advanced(cpu, lin, tags_at));
  image.opcode = load<u16>(cpu, op, advanced(cpu, lin, opcode_at));
  image.instruction = load<u64>(cpu, op, advanced(cpu, lin, instruction_at));
  image.data = load<u64>(cpu, op, advanced(cpu, lin, data_at));
  image.mxcsr = load<u32>(cpu, op, advanced(cpu, lin, mxcsr_at));
  for (u32 i = 0; i < 8; i++) image.registers[i] = load80(cpu, op, advanced(cpu, lin, registers_at + i * slot_bytes));
  for (u32 i = 0; i < xmm_count; i++) image.xmm[i] = load128(cpu, op, advanced(cpu, lin, xmm_at + i * slot_bytes));
  return image;
}

void take_x87(Cpu* cpu, const Op* op, const Image& image) {
  FpuState& fpu = cpu->fpu;
  fpu.status = image.status;
  fpu.empty = static_cast<u8>(~u32{image.tags});
  take_pointers(cpu, op, image);
  for (u32 i = 0; i < 8; i++) {
    fpu.registers[physical(fpu, i)] = {image.registers[i].significand, image.registers[i].sign_exponent};
  }
  set_control(fpu, image.control);
}

void take_mxcsr(Cpu* cpu, u32 mxcsr) {
  cpu->mxcsr = mxcsr;
  host::load_guest_rounding(mxcsr);
}

void take_xmm(Cpu* cpu, const Image& image, u32 count) {
  for (u32 i = 0; i < count; i++) cpu->xmm[i] = {{image.xmm[i].low, image.xmm[i].high}};
}

namespace {

void fxsave(Cpu* cpu, const Op* op) {
  const u64 lin = image_address(cpu, op, true);
  probe_write(cpu, op, lin, image_bytes, op->segment);
  store_x87(cpu, op, lin);
  store_mxcsr(cpu, op, lin);
  store_xmm(cpu, op, lin, xmm_count(cpu));
}

void fxrstor(Cpu* cpu, const Op* op) {
  const u64 lin = image_address(cpu, op, false);
  probe_read(cpu, op, lin, image_bytes, op->segment);
  const Image image = load_image(cpu, op, lin, xmm_count(cpu));
  if ((image.mxcsr & ~mxcsr_mask) != 0) raise(cpu, op, Vector::GP, 0);
  take_x87(cpu, op, image);
  take_mxcsr(cpu, image.mxcsr);
  take_xmm(cpu, image, xmm_count(cpu));
}

}  // namespace

void add_extended_state(HandlerTable& table) {
  table.set(Opcode::Fxsave, always<fxsave>);
  table.set(Opcode::Fxrstor, always<fxrstor>);
  add_xsave(table);
}

}  // namespace tsbhyve::soft::x87
