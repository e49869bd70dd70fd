// SPDX-License-Identifier: BSD-2-Clause
// IN, OUT, INS and OUTS (SDM vol. 1, chapter 19).
#include "soft/device_access.h"
#include "soft/families.h"
#include "soft/memory/debug_watch.h"
#include "soft/system/fault.h"
#include "soft/system/operand.h"

namespace tsbhyve::soft {

namespace {

/// The I/O permission bitmap of the TSS (SDM vol. 1, 19.5.2): all bits of the ports touched must be clear.
[[gnu::noinline]] bool bitmap_allows(Cpu* cpu, u16 port, u32 width) {
  constexpr u32 bitmap_offset_field = 0x66;
  const bool wide_tss = cpu->tr.attributes & 8;
  if (!wide_tss || bitmap_offset_field + 1 > cpu->tr.limit) return false;
  const u32 at = load_system<u16>(cpu, cpu->tr.base + bitmap_offset_field) + (u32{port} >> 3);
  if (at + 1 > cpu->tr.limit) return false;
  const u32 bits = u32{load_system<u16>(cpu, cpu->tr.base + at)} >> (port & 7);
  return (bits & ((1u << width) - 1)) == 0;
}

void require_port(Cpu* cpu, const Op* op, u16 port, u32 width) {
  if (real_mode(cpu)) return;
  if (!virtual8086(cpu) && cpu->cpl <= ((cpu->rflags & rflags::IOPL) >> 12)) return;
  if (!bitmap_allows(cpu, port, width)) raise(cpu, op, Vector::GP, 0);
}

[[gnu::noinline]] u64 port_read(Cpu* cpu, u16 port, u8 width) {
  const u64 value = device_access(cpu, AccessKind::Port, port, width, false, 0).value;
  watch_port(cpu, port, width);
  return value;
}

[[gnu::noinline]] void port_write(Cpu* cpu, u16 port, u8 width, u64 value) {
  device_access(cpu, AccessKind::Port, port, width, true, value);
  watch_port(cpu, port, width);
}

template <bool Immediate>
u16 port_of(const Cpu* cpu, const Op* op) {
  return Immediate ? static_cast<u16>(op->immediate & 0xff) : static_cast<u16>(cpu->gpr[RDX]);
}

template <class T, bool Immediate>
void in(Cpu* cpu, const Op* op) {
  const u16 port = port_of<Immediate>(cpu, op);
  cpu->current_op = op;
  require_port(cpu, op, port, sizeof(T));
  write_gpr<T>(cpu, RAX, static_cast<T>(port_read(cpu, port, sizeof(T))));
  end_block(cpu, op);
}

template <class T, bool Immediate>
void out(Cpu* cpu, const Op* op) {
  const u16 port = port_of<Immediate>(cpu, op);
  cpu->current_op = op;
  require_port(cpu, op, port, sizeof(T));
  port_write(cpu, port, sizeof(T), read_gpr<T>(cpu, RAX));
  end_block(cpu, op);
}

u64 address_mask(const Op* op) {
  return op->bits & op_address16 ? 0xffff : op->bits & op_address32 ? 0xffffffff : ~u64{0};
}

/// Writes an index or count register at the address size.
void write_index(Cpu* cpu, const Op* op, Gpr reg, u64 value) {
  const u64 mask = address_mask(op);
  cpu->gpr[reg] = mask == 0xffff ? (cpu->gpr[reg] & ~mask) | (value & mask) : value & mask;
}

/// Moves the index register, counts the iteration, and leaves: to the next instruction, or to this one again. One
/// iteration a run keeps the answers of the device model to those of the iteration in flight.
void finish_iteration(Cpu* cpu, const Op* op, Gpr index, u32 width) {
  const u64 step = cpu->rflags & rflags::DF ? u64{0} - width : width;
  write_index(cpu, op, index, cpu->gpr[index] + step);
  cpu->rip = next_rip(cpu, op);
  if (!(op->bits & (op_rep | op_repne))) return;
  write_index(cpu, op, RCX, cpu->gpr[RCX] - 1);
  if (cpu->gpr[RCX] & address_mask(op)) cpu->rip = instruction_rip(cpu, op);
}

bool nothing_to_repeat(const Cpu* cpu, const Op* op) {
  return (op->bits & (op_rep | op_repne)) && !(cpu->gpr[RCX] & address_mask(op));
}

template <class T>
void ins(Cpu* cpu, const Op* op) {
  const u16 port = static_cast<u16>(cpu->gpr[RDX]);
  cpu->current_op = op;
  require_port(cpu, op, port, sizeof(T));
  if (nothing_to_repeat(cpu, op)) return end_block(cpu, op);
  require_single(cpu, op);
  const u64 lin = segment_address(cpu, op, ES, cpu->gpr[RDI] & address_mask(op), sizeof(T), true);
  probe_write(cpu, op, lin, sizeof(T), ES);
  store_in<T>(cpu, op, lin, static_cast<T>(port_read(cpu, port, sizeof(T))), ES);
  finish_iteration(cpu, op, RDI, sizeof(T));
}

template <class T>
void outs(Cpu* cpu, const Op* op) {
  const u16 port = static_cast<u16>(cpu->gpr[RDX]);
  cpu->current_op = op;
  require_port(cpu, op, port, sizeof(T));
  if (nothing_to_repeat(cpu, op)) return end_block(cpu, op);
  require_single(cpu, op);
  const u64 lin = segment_address(cpu, op, op->segment, cpu->gpr[RSI] & address_mask(op), sizeof(T), false);
  port_write(cpu, port, sizeof(T), load<T>(cpu, op, lin));
  finish_iteration(cpu, op, RSI, sizeof(T));
}

/// The handler for the width of an access.
Handler by_width(const Instruction& i, Handler byte, Handler word, Handler wide) {
  return i.operand_size == 1 ? byte : i.operand_size == 2 ? word : wide;
}

Handler select_in(const Instruction& i, bool) {
  if (i.operands[1].kind == OperandKind::Immediate) return by_width(i, in<u8, true>, in<u16, true>, in<u32, true>);
  return by_width(i, in<u8, false>, in<u16, false>, in<u32, false>);
}

Handler select_out(const Instruction& i, bool) {
  if (i.operands[0].kind == OperandKind::Immediate) return by_width(i, out<u8, true>, out<u16, true>, out<u32, true>);
  return by_width(i, out<u8, false>, out<u16, false>, out<u32, false>);
}

}  // namespace

void add_port(HandlerTable& table) {
  table.set(Opcode::In, select_in);
  table.set(Opcode::Out, select_out);
  table.set(Opcode::Ins,
            [](const Instruction& i, bool) -> Handler { return by_width(i, ins<u8>, ins<u16>, ins<u32>); });
  table.set(Opcode::Outs,
            [](const Instruction& i, bool) -> Handler { return by_width(i, outs<u8>, outs<u16>, outs<u32>); });
}

}  // namespace tsbhyve::soft
