// SPDX-License-Identifier: BSD-2-Clause
#include "soft/memory/locked.h"

#include "engine/guest_ram.h"
#include "soft/leave.h"
#include "soft/memory/access.h"
#include "soft/memory/debug_watch.h"
#include "soft/memory/physical.h"
#include "soft/threads/threaded_cpu.h"

namespace tsbhyve::soft {

void require_alone(Cpu* cpu, const Op* op) {
  if (!cpu->threaded || cpu->threaded->is_alone()) return;
  cpu->current_op = op;
  escape(cpu, Escape::Alone);
}

u8* begin_locked(Cpu* cpu, const Op* op, u64 lin, u32 size, u8 segment) {
  if (!cpu->threaded || cpu->threaded->is_alone()) return nullptr;
  probe_write(cpu, op, lin, size, segment);
  const u64 physical = cpu->mmu->translate_as(lin, Access::Write, cpu->cpl);
  u8* page = cpu->ram->host_page(physical);
  if (lin & (size - 1)) {
    const u64 last = cut_linear(cpu, lin + size - 1);
    const bool is_memory = page && cpu->ram->host_page(cpu->mmu->translate_as(last, Access::Write, cpu->cpl));
    if (is_memory) require_alone(cpu, op);
    return nullptr;
  }
  if (!page || (cpu->ram->attention(cpu->ram->page_index(physical)) & page_read_only)) return nullptr;
  return page + (physical & page_offset_mask);
}

void end_locked(Cpu* cpu, u64 lin, u32 size) {
  const u64 physical = cpu->mmu->translate_as(lin, Access::Write, cpu->cpl);
  const u64 page = cpu->ram->page_index(physical);
  note_write(cpu, page, cpu->ram->attention(page), physical, size);
  fill_fast(cpu, lin, physical, cpu->ram->host_page(physical), true);
  watch_data(cpu, lin, size, true);
}

}  // namespace tsbhyve::soft
