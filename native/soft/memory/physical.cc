// SPDX-License-Identifier: BSD-2-Clause
#include "soft/memory/physical.h"

#include <atomic>

#include "engine/guest_ram.h"
#include "soft/block_cache.h"
#include "soft/device_access.h"
#include "soft/host/guest_access.h"
#include "soft/threads/threaded_cpu.h"
#include "soft/translator/translator.h"

namespace tsbhyve::soft {

namespace {

template <class T>
bool exchange(u8* at, u64 seen, u64 bits) {
  T expected = static_cast<T>(seen);
  const T desired = static_cast<T>(seen | bits);
  return std::atomic_ref<T>(*reinterpret_cast<T*>(at)).compare_exchange_strong(expected, desired);
}

}  // namespace

u64 read_physical(Cpu* cpu, u64 physical, u32 size) {
  const u8* page = cpu->ram->host_page(physical);
  if (!page) return size == 4 ? 0xffffffff : ~u64{0};
  const u8* at = page + (physical & page_offset_mask);
  return size == 4 ? host::load_word<u32>(at) : host::load_word<u64>(at);
}

bool hits_running_block(const Cpu* cpu, u64 physical, u64 size) {
  return cpu->current_op && (cpu->ram->attention(cpu->ram->page_index(physical)) & page_has_code) &&
         (BlockCache::overlaps(cpu->block, physical, size) ||
          (cpu->translated.region && region_overlaps(cpu->translated.region, physical, size)));
}

bool set_bits_physical(Cpu* cpu, u64 physical, u32 size, u64 seen, u64 bits) {
  u8* host = cpu->ram->host_page(physical);
  if (!host) return true;
  const u64 page = cpu->ram->page_index(physical);
  if (cpu->ram->attention(page) & page_read_only) return true;
  if (hits_running_block(cpu, physical, size)) require_single(cpu, cpu->current_op);
  u8* at = host + (physical & page_offset_mask);
  if (!(size == 4 ? exchange<u32>(at, seen, bits) : exchange<u64>(at, seen, bits))) return false;
  note_write(cpu, page, cpu->ram->attention(page), physical, size);
  return true;
}

void note_write(Cpu* cpu, u64 page, u8 attention, u64 physical, u64 size) {
  if (attention & page_has_code) {
    code_written(cpu, physical, size);
  }
  if (attention & page_unlogged) cpu->ram->mark_dirty(page);
}

}  // namespace tsbhyve::soft
