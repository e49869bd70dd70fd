// SPDX-License-Identifier: BSD-2-Clause
// From cpu->rip to the block that starts there.
#include "engine/guest_ram.h"
#include "soft/block_cache.h"
#include "soft/leave.h"
#include "soft/memory/debug_watch.h"
#include "soft/memory/mmu.h"
#include "soft/threads/threaded_cpu.h"
#include "soft/translator/region.h"

namespace tsbhyve::soft {

namespace {

/// Bytes that the code segment allows from `rip` on; raises #GP(0) when none (SDM vol. 3, 5.3).
u64 code_limit(Cpu* cpu, u64 rip) {
  if (cpu->mode & mode_code64) {
    if (static_cast<u64>(static_cast<i64>(rip << 16) >> 16) != rip) raise(cpu, nullptr, Vector::GP, 0);
    return ~u64{0};
  }
  if (rip > cpu->segment[CS].limit) raise(cpu, nullptr, Vector::GP, 0);
  return u64{cpu->segment[CS].limit} - rip + 1;
}

bool is_cut_to_16_bits(const Block* source, const Link* link) {
  const bool in64 = source->mode & mode_code64;
  return !in64 && link == &source->branch.taken && source->ops()[source->count - 1].bits & op_operand16;
}

u64 cut_rip(const Block* source, u64 rip) { return source->mode & mode_code64 ? rip : rip & 0xffffffff; }

/// Chains a direct branch that is not chained yet to its target when that may be done for good (see Link).
void connect(Cpu* cpu, Block* target) {
  Link* link = cpu->link;
  cpu->link = nullptr;
  if (!link || link->block || !(target->mode & mode_flat) || target->mode & mode_single || target->straddles) return;
  const Block* source = cpu->block;
  if (is_cut_to_16_bits(source, link)) return;  // how far it leads depends on where the page is mapped
  const u64 from = cpu->gpr[17], led_to = cut_rip(source, from + link->delta);
  if (led_to != cpu->rip || source->mode != target->mode) return;  // an event came between
  if ((from ^ led_to) & page_mask || (source->physical ^ target->physical) & page_mask) return;
  link->block = target;
}

/// Lets indirect and far-off branches to `rip` find the block at once. A block stands in one slot of the cache at a
/// time.
void remember_jump(Cpu* cpu, Block* block, u64 rip) {
  const u32 slot = jump_slot(rip);
  if (block->jump_slot != slot && cpu->jumps[block->jump_slot].block == block) cpu->jumps[block->jump_slot] = {};
  block->jump_slot = static_cast<u16>(slot);
  if (block->straddles) cpu->mmu->straddled(cut_linear(cpu, rip + page_size));
  cpu->jumps[slot] = {rip, block, cpu->mode, cpu->mmu->code_serial(rip), block->region ? block->region->code : nullptr};
}

/// The block at `rip` if the jump cache has it, whose look-up is much cheaper than the way by the physical address.
Block* remembered(const Cpu* cpu, u64 rip) {
  const JumpEntry& entry = cpu->jumps[jump_slot(rip)];
  const bool is_there = entry.rip == rip && entry.mode == cpu->mode &&
                        entry.page_serial == cpu->code_page_serial[(rip >> 12) & (code_pages - 1)];
  return is_there ? entry.block : nullptr;
}

}  // namespace

void follow_unlinked(Cpu* cpu, Link* link, u64 rip) {
  if ((cpu->gpr[17] ^ rip) & page_mask) return jump_indirect(cpu, rip);
  cpu->link = link;
  cpu->rip = rip;
}

Block* fetch_block(Cpu* cpu, bool single) {
  const u64 rip = cpu->rip;
  if (Block* const block = single ? nullptr : remembered(cpu, rip)) {
    connect(cpu, block);
    return block;
  }
  const u64 limit = code_limit(cpu, rip);
  const u64 lin = cut_linear(cpu, (cpu->mode & mode_code64 ? 0 : cpu->segment[CS].base) + rip);
  const u64 physical = cpu->mmu->translate(lin, Access::Execute, false);
  const u32 mode = (cpu->mode & ~mode_single) | (single ? mode_single : 0);
  Block* block = cpu->blocks->find(physical, mode);
  if (block && block->straddles) {
    const u64 on_first = page_size - (lin & page_offset_mask);
    const u64 second = cpu->mmu->translate(cut_linear(cpu, lin + on_first), Access::Execute, false);
    if ((second & page_mask) != block->second_page().physical || block->length() > limit) block = nullptr;
  }
  if (block && block->length() > limit) block = nullptr;
  if (!block) {
    const bool may_stay = !cpu->threaded || cpu->threaded->begin_decoding();
    auto built = build_block(cpu, lin, physical, mode, limit);
    // Code outside RAM is decoded each time.
    if (!may_stay || !cpu->ram->host_page(physical) ||
        (built->straddles && !cpu->ram->host_page(built->second_page().physical))) {
      cpu->link = nullptr;
      return cpu->blocks->keep_once(std::move(built));
    }
    block = cpu->blocks->insert(std::move(built));
  }
  connect(cpu, block);
  if (cpu->mode & mode_flat && !single && cpu->ram->host_page(physical)) remember_jump(cpu, block, rip);
  return block;
}

}  // namespace tsbhyve::soft
