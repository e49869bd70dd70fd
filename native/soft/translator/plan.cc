// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/plan.h"

#include "engine/guest_ram.h"
#include "soft/block_cache.h"

namespace tsbhyve::soft {

namespace {

constexpr size_t max_blocks = 24;
/// A successor belongs to the region when it has had this part of the runs that make a block hot.
constexpr u32 part_to_join = 8;

bool decode_block(const Cpu* cpu, const Block& block, std::vector<Instruction>& instructions) {
  const u8* page = cpu->ram->host_page(block.physical);
  if (!page) return false;
  const u8* bytes = block.bytes() ? block.bytes() : page + (block.physical & page_offset_mask);
  for (u32 i = 0; i < block.count; i++) {
    const Op& op = block.ops()[i];
    Instruction& instruction = instructions.emplace_back();
    if (decode(bytes + op.offset, op.length, CodeSize::Bits64, instruction) != DecodeStatus::Ok) return false;
    instruction.threaded = cpu->threaded != nullptr;
  }
  return true;
}

bool touches_memory(const Instruction& instruction) {
  for (const Operand& operand : instruction.operands) {
    if (operand.kind == OperandKind::Memory && instruction.opcode != Opcode::Lea) return true;
  }
  return false;
}

bool overwrites_all_flags(const Instruction& instruction) { return certain_flags_written(instruction) == status_flags; }

/// Whether the flags that an instruction finds may be seen: by itself, or by a fault.
bool looks_at_flags(const Instruction& instruction) {
  const OpcodeInfo& info = opcode_info(instruction.opcode);
  return touches_memory(instruction) || info.may_fault || info.flags_read != 0 ||
         (info.flags_written != 0 && !overwrites_all_flags(instruction));
}

Block* find_target(const Cpu* cpu, const Block& from, const Link& link) {
  if (link.block) return link.block;
  const u64 offset = (from.physical & page_offset_mask) + link.delta;
  if (offset >= page_size) return nullptr;
  return cpu->blocks->find((from.physical & page_mask) | offset, from.mode);
}

bool may_join(const Block* block, u32 heat) {
  return block && !block->straddles && is_translatable(*block) && block->first && !block->region &&
         block->heat + heat / part_to_join <= heat;
}

class Planner {
 public:
  Planner(const Cpu* cpu, u32 heat) : cpu_(cpu), heat_(heat) {}

  Plan make(Block* entry) {
    if (!add(entry)) return {};
    for (size_t i = 0; i < plan_.size(); i++) lead_on(i);
    mark_headers();
    spread_liveness();
    return std::move(plan_);
  }

 private:
  bool add(Block* block) {
    if (plan_.size() == max_blocks || instructions_ + block->count > max_region_instructions) return false;
    PlannedBlock planned;
    planned.block = block;
    planned.runs = heat_ - std::min<u32>(block->heat, heat_) + 1;
    if (!decode_block(cpu_, *block, planned.instructions)) return false;
    instructions_ += block->count;
    plan_.push_back(std::move(planned));
    return true;
  }

  int index_of(const Block* block) const {
    for (size_t i = 0; i < plan_.size(); i++) {
      if (plan_[i].block == block) return static_cast<int>(i);
    }
    return outside;
  }

  int join(Block* target) {
    if (!target) return outside;
    if (const int known = index_of(target); known != outside) return known;
    if (!may_join(target, heat_) || !add(target)) return outside;
    return static_cast<int>(plan_.size()) - 1;
  }

  void lead_on(size_t i) {
    Block* block = plan_[i].block;
    const Instruction& last = plan_[i].instructions.back();
    const Opcode opcode = last.opcode;
    const bool conditional = opcode == Opcode::Jcc;
    const bool falls = !opcode_info(opcode).ends_block;
    int taken = outside, next = outside;
    if (conditional || falls) next = join(find_target(cpu_, *block, block->branch.next));
    if (conditional || opcode == Opcode::Jmp) taken = join(find_target(cpu_, *block, block->branch.taken));
    plan_[i].has_next = conditional || falls;
    plan_[i].taken = taken;
    plan_[i].next = next;
  }

  void mark_headers() {
    std::vector<u32> ways(plan_.size());
    for (const PlannedBlock& planned : plan_) {
      for (const int to : {planned.taken, planned.next}) {
        if (to != outside) ways[static_cast<size_t>(to)]++;
      }
    }
    plan_[0].header = true;
    for (size_t i = 0; i < plan_.size(); i++) {
      if (ways[i] > 1) plan_[i].header = true;
    }
  }

  bool live_behind(const PlannedBlock& planned) const {
    const Opcode opcode = planned.instructions.back().opcode;
    if (opcode != Opcode::Jcc && opcode != Opcode::Jmp && opcode_info(opcode).ends_block) return true;
    const auto live = [this](int to) { return to == outside || plan_[static_cast<size_t>(to)].live_in; };
    if (opcode == Opcode::Jmp) return live(planned.taken);
    return live(planned.next) || (opcode == Opcode::Jcc && live(planned.taken));
  }

  void spread_liveness() {
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = plan_.size(); i-- > 0;) {
        PlannedBlock& planned = plan_[i];
        bool live = live_behind(planned);
        planned.live_after.assign(planned.instructions.size(), 0);
        for (size_t n = planned.instructions.size(); n-- > 0;) {
          planned.live_after[n] = live;
          if (overwrites_all_flags(planned.instructions[n])) live = false;
          if (looks_at_flags(planned.instructions[n])) live = true;
        }
        changed = changed || live != planned.live_in;
        planned.live_in = live;
      }
    }
  }

  const Cpu* cpu_;
  const u32 heat_;
  Plan plan_;
  u32 instructions_ = 0;
};

}  // namespace

bool is_translatable(const Block& block) {
  constexpr u32 wanted = mode_code64 | mode_flat;
  return (block.mode & wanted) == wanted && !(block.mode & mode_single) && (!block.repeats || block.copies);
}

Plan plan_region(const Cpu* cpu, Block* entry, u32 heat) { return Planner(cpu, heat).make(entry); }

}  // namespace tsbhyve::soft
