// SPDX-License-Identifier: BSD-2-Clause
// From bytes to a block of Ops: decoding, flag liveness, fusion, links.
#include <algorithm>

#include "engine/guest_ram.h"
#include "soft/block_cache.h"
#include "soft/families.h"
#include "soft/handler_table.h"
#include "soft/leave.h"
#include "soft/memory/mmu.h"
#include "soft/threads/threaded_cpu.h"

namespace tsbhyve::soft {

namespace {

CodeSize code_size_of(u32 mode) {
  return mode & mode_code64 ? CodeSize::Bits64 : mode & mode_code32 ? CodeSize::Bits32 : CodeSize::Bits16;
}

template <bool In64>
void fell_off_the_end(Cpu* cpu, const Op* op) {
  return follow_next<In64>(cpu, op);
}

void instruction_too_long(Cpu* cpu, const Op* op) { raise(cpu, op, Vector::GP, 0); }

bool touches_memory(const Instruction& instruction) {
  for (const Operand& operand : instruction.operands) {
    if (operand.kind == OperandKind::Memory && instruction.opcode != Opcode::Lea) return true;
  }
  return false;
}

/// Whether something outside the block may look at the flags before this instruction has written its own.
bool may_leave(const Instruction& instruction) {
  return touches_memory(instruction) || opcode_info(instruction.opcode).may_fault;
}

bool is_rep_string(const Instruction& instruction) { return instruction.repeat != Repeat::None; }

bool copies_memory(Opcode opcode) { return opcode == Opcode::Movs || opcode == Opcode::Stos; }

bool enters_kernel(Opcode opcode) {
  switch (opcode) {
    case Opcode::Int:
    case Opcode::Int3:
    case Opcode::Int1:
    case Opcode::Into:
    case Opcode::Syscall:
    case Opcode::Sysenter: return true;
    default: return false;
  }
}

bool is_direct_branch(const Instruction& instruction) { return instruction.operands[0].kind == OperandKind::Relative; }

/// Handlers of near branches always leave; what else ends a block may go on behind itself.
bool always_leaves(const Instruction& instruction) {
  switch (instruction.opcode) {
    case Opcode::JmpIndirect:
    case Opcode::CallIndirect:
    case Opcode::Ret: return true;
    default: return is_direct_branch(instruction);
  }
}

u8 register_slot(const Operand& operand) {
  switch (operand.kind) {
    case OperandKind::Gpr: return static_cast<u8>(operand.reg * 8);
    case OperandKind::GprHigh: return static_cast<u8>(operand.reg * 8 + 1);
    default: return operand.reg;
  }
}

u8 address_slot(u8 reg) {
  if (reg == no_register) return zero_slot;
  if (reg == rip_register) return rip_slot;
  return static_cast<u8>(reg * 8);
}

u8 op_bits(const Instruction& instruction) {
  u8 bits = 0;
  if (instruction.address_size == 2) bits |= op_address16;
  if (instruction.address_size == 4) bits |= op_address32;
  if (instruction.repeat == Repeat::Rep) bits |= op_rep;
  if (instruction.repeat == Repeat::Repne) bits |= op_repne;
  if (instruction.lock) bits |= op_lock;
  if (instruction.operand_size == 8) bits |= op_rex_w;
  if (instruction.operand_size == 2) bits |= op_operand16;
  return bits;
}

void fill_op(Op& op, const Instruction& instruction, u32 offset, u32 position) {
  op.immediate = instruction.immediate;
  if (instruction.operands[0].kind == OperandKind::FarPointer) op.immediate |= u64{instruction.selector} << 32;
  op.destination = register_slot(instruction.operands[0]);
  op.source = register_slot(instruction.operands[1]);
  op.extra = instruction.operands[2].kind == OperandKind::None ? static_cast<u8>(instruction.selector)
                                                               : register_slot(instruction.operands[2]);
  op.base = address_slot(instruction.memory.base);
  op.index = address_slot(instruction.memory.index);
  op.scale = instruction.memory.scale;
  op.segment = instruction.memory.segment;
  i64 displacement = instruction.memory.displacement;
  if (displacement != static_cast<i32>(displacement)) {
    op.immediate = static_cast<u64>(displacement);  // MOV moffs
    displacement = 0;
  }
  if (op.base == rip_slot) displacement += offset + instruction.length;
  op.displacement = static_cast<i32>(displacement);
  op.bits = op_bits(instruction);
  op.offset = static_cast<u16>(offset);
  op.length = instruction.length;
  op.position = static_cast<u8>(position);
}

struct Decoded {
  Instruction instruction;
  u32 offset;
  bool flags_live;
};

/// Bytes of the instruction at the start of the block when it runs onto the next page.
struct Straddle {
  u8 bytes[max_instruction_length];
  u32 available;
  u64 second_page;
};

void mark_live_flags(Decoded* decoded, u32 count) {
  u32 live = status_flags;
  for (u32 i = count; i-- > 0;) {
    const Instruction& instruction = decoded[i].instruction;
    const OpcodeInfo& info = opcode_info(instruction.opcode);
    decoded[i].flags_live = (info.flags_written & live) != 0;
    live &= ~certain_flags_written(instruction);
    live |= info.flags_read;
    if (may_leave(instruction)) live = status_flags;
  }
}

void set_links(Block& block, const Decoded& last) {
  const Instruction& instruction = last.instruction;
  const u64 after = last.offset + instruction.length;
  block.branch.next.delta = after;
  if (is_direct_branch(instruction)) block.branch.taken.delta = after + instruction.immediate;
}

void fill_ops(Block& block, Decoded* decoded, u32 count, bool threaded) {
  const bool single = block.mode & mode_single;
  for (u32 i = 0; i < count; i++) {
    Instruction& instruction = decoded[i].instruction;
    instruction.threaded = threaded;
    Op& op = block.ops()[i];
    fill_op(op, instruction, decoded[i].offset, i);
    if (is_direct_branch(instruction)) op.branch = &block.branch;
    op.handler = choose_handler(instruction, decoded[i].flags_live);
    if (!single && i + 1 < count) {
      if (Handler fused = fused_compare_branch(instruction, decoded[i + 1].instruction)) op.handler = fused;
    }
  }
  if (!block.falls) return;
  Op& end = block.ops()[count];
  end.handler = block.mode & mode_code64 ? fell_off_the_end<true> : fell_off_the_end<false>;
  end.branch = &block.branch;
  end.offset = static_cast<u16>(block.length());
  end.position = static_cast<u8>(count);
}

/// Gathers the bytes of an instruction that does not end on the page. Raises #PF of the second page, in order.
Straddle gather_straddle(Cpu* cpu, u64 lin, const u8* host, u64 limit) {
  Straddle straddle{};
  const u64 on_first = page_size - (lin & page_offset_mask);
  const u64 second_lin = long_mode(cpu) ? lin + on_first : (lin + on_first) & 0xffffffff;
  const u64 second = cpu->mmu->translate(second_lin, Access::Execute, false);
  straddle.second_page = second & page_mask;
  straddle.available = static_cast<u32>(std::min<u64>(max_instruction_length, limit));
  const u8* second_host = cpu->ram->host_page(second);
  u8 copied[max_instruction_length];
  if (cpu->threaded && second_host) {
    cpu->threaded->read_code(straddle.second_page, copied, max_instruction_length);
    second_host = copied;
  }
  for (u32 i = 0; i < straddle.available; i++) {
    straddle.bytes[i] = i < on_first ? host[i] : second_host ? second_host[i - on_first] : 0xff;
  }
  return straddle;
}

}  // namespace

std::unique_ptr<Block> build_block(Cpu* cpu, u64 lin, u64 physical, u32 mode, u64 limit) {
  static constexpr u8 floating_bus[max_instruction_length] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                              0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  const u64 page_offset = physical & page_offset_mask;
  const u8* page = cpu->ram->host_page(physical);
  const u8* bytes = page ? page + page_offset : floating_bus;
  u32 available = static_cast<u32>(std::min(page ? page_size - page_offset : max_instruction_length, limit));
  u8 copied[max_block_instructions * max_instruction_length];
  if (cpu->threaded && page) {  // others may write the page meanwhile
    available = std::min(available, static_cast<u32>(sizeof copied));
    cpu->threaded->read_code(physical, copied, available);
    bytes = copied;
  }
  const u32 most = mode & mode_single ? 1 : max_block_instructions;

  // Nothing with a destructor may exist before the last raise(), which skips it.
  Decoded decoded[max_block_instructions];
  Straddle straddle;
  u32 count = 0, offset = 0;
  bool too_long = false, straddles = false;
  while (count < most) {
    Instruction& instruction = decoded[count].instruction;
    instruction = {};
    DecodeStatus status = decode(bytes + offset, available - offset, code_size_of(mode), instruction);
    if (status == DecodeStatus::Truncated) {
      if (count > 0) break;
      if (limit < page_size - page_offset) raise(cpu, nullptr, Vector::GP, 0);  // beyond the segment limit
      straddle = gather_straddle(cpu, lin, bytes, limit);
      straddles = true;
      status = decode(straddle.bytes, straddle.available, code_size_of(mode), instruction);
      if (status == DecodeStatus::Truncated) raise(cpu, nullptr, Vector::GP, 0);
    }
    if (status == DecodeStatus::TooLong) {
      if (count > 0) break;
      too_long = true;
      instruction.length = max_instruction_length;
    }
    if (count > 0 && is_rep_string(instruction)) break;  // REP strings are alone in their block: each iteration counts
    decoded[count].offset = offset;
    offset += instruction.length;
    count++;
    if (too_long || straddles || is_rep_string(instruction) || opcode_info(instruction.opcode).ends_block) break;
  }

  const Instruction& last = decoded[count - 1].instruction;
  const bool keeps_bytes = cpu->threaded || straddles;
  auto block = Block::make(count, !always_leaves(last), straddles, keeps_bytes ? offset : 0);
  block->mode = static_cast<u8>(mode);
  block->physical = physical;
  block->repeats = is_rep_string(last);
  block->copies = block->repeats && copies_memory(last.opcode);
  block->software_interrupt = enters_kernel(last.opcode);
  mark_live_flags(decoded, count);
  set_links(*block, decoded[count - 1]);
  fill_ops(*block, decoded, count, cpu->threaded != nullptr);
  if (straddles) block->second_page().physical = straddle.second_page;
  if (keeps_bytes) std::copy_n(straddles ? straddle.bytes : bytes, offset, block->bytes());
  if (too_long) block->ops()[0].handler = instruction_too_long;
  return block;
}

}  // namespace tsbhyve::soft
