// SPDX-License-Identifier: BSD-2-Clause
// From cpu->rip to the block that starts there.
#include "engine/guest_ram.h"
#include "soft/block_cache.h"
#include "soft/leave.h"
#include "soft/memory/debug_watch.h"
#include "soft/memory/mmu.h"

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

/// Chains a direct branch to its target when both lie on one linear page (see Link).
void connect(Cpu* cpu, Block* target, u64 lin) {
  Link* link = cpu->link;
  cpu->link = nullptr;
  if (!link || target->straddles || target->mode & mode_single) return;
  const u64 source = cut_linear(cpu, (cpu->mode & mode_code64 ? 0 : cpu->segment[CS].base) + cpu->gpr[17]);
  if ((source ^ lin) & page_mask || cpu->block->mode != target->mode) return;
  // Outside 64-bit code a chained branch skips the limit check, which only a flat segment makes needless.
  if (!(cpu->mode & mode_code64) && cpu->segment[CS].limit != 0xffffffff) return;
  link->block = target;
  target->incoming.push_back(link);
}

/// Lets indirect and far-off branches to `rip` find the block at once. A block stands in one slot of the cache at a
/// time.
void remember_jump(Cpu* cpu, Block* block, u64 rip, u64 lin) {
  const u32 slot = jump_slot(rip);
  if (block->jump_slot != slot && cpu->jumps[block->jump_slot].block == block) cpu->jumps[block->jump_slot] = {};
  block->jump_slot = slot;
  cpu->jumps[slot] = {rip, block, cpu->mode, static_cast<u32>(cpu->code_page_serial[(lin >> 12) & (code_pages - 1)])};
}

}  // namespace

void follow_unlinked(Cpu* cpu, Link* link, u64 rip) {
  if ((cpu->gpr[17] ^ rip) & page_mask) return jump_indirect(cpu, rip);
  cpu->link = link;
  cpu->rip = rip;
}

Block* fetch_block(Cpu* cpu, bool single) {
  const u64 rip = cpu->rip;
  const u64 limit = code_limit(cpu, rip);
  const u64 lin = cut_linear(cpu, (cpu->mode & mode_code64 ? 0 : cpu->segment[CS].base) + rip);
  const u64 physical = cpu->mmu->translate(lin, Access::Execute, false);
  const u32 mode = (cpu->mode & ~mode_single) | (single ? mode_single : 0);
  Block* block = cpu->blocks->find(physical, mode);
  if (block && block->straddles) {
    const u64 on_first = page_size - (lin & page_offset_mask);
    const u64 second = cpu->mmu->translate(cut_linear(cpu, lin + on_first), Access::Execute, false);
    if ((second & page_mask) != block->second_page || block->length > limit) block = nullptr;
  }
  if (block && block->length > limit) block = nullptr;
  if (!block) {
    auto built = build_block(cpu, lin, physical, mode, limit);
    if (cpu->ram->host_page(physical) && (!built->straddles || cpu->ram->host_page(built->second_page))) {
      block = cpu->blocks->insert(std::move(built));
    } else {
      block = cpu->blocks->keep_once(std::move(built));  // code outside RAM is decoded each time
    }
  }
  connect(cpu, block, lin);
  if (!block->straddles && !single && cpu->ram->host_page(physical) &&
      (cpu->mode & mode_code64 || (cpu->segment[CS].limit == 0xffffffff && cpu->segment[CS].base == 0))) {
    remember_jump(cpu, block, rip, lin);
  }
  return block;
}

}  // namespace tsbhyve::soft
