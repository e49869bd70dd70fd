// SPDX-License-Identifier: BSD-2-Clause
#include "soft/memory/physical.h"

#include <atomic>

#include "engine/guest_ram.h"
#include "soft/block_cache.h"
#include "soft/device_access.h"

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
  const u8* host = cpu->ram->host_page(physical);
  if (!host) return size == 4 ? 0xffffffff : ~u64{0};
  u64 value = 0;
  __builtin_memcpy(&value, host + (physical & page_offset_mask), size);
  return value;
}

bool hits_running_block(const Cpu* cpu, u64 physical, u64 size) {
  return cpu->current_op && (cpu->ram->attention(cpu->ram->page_index(physical)) & page_has_code) &&
         BlockCache::overlaps(cpu->block, physical, size);
}

bool set_bits_physical(Cpu* cpu, u64 physical, u32 size, u64 seen, u64 bits) {
  u8* host = cpu->ram->host_page(physical);
  if (!host) return true;
  const u64 page = cpu->ram->page_index(physical);
  if (cpu->ram->attention(page) & page_read_only) return true;
  if (hits_running_block(cpu, physical, size)) require_single(cpu, cpu->current_op);
  u8* at = host + (physical & page_offset_mask);
  if (!(size == 4 ? exchange<u32>(at, seen, bits) : exchange<u64>(at, seen, bits))) return false;
  const u8 attention = cpu->ram->attention(page);
  if (attention & page_has_code) code_written(cpu, physical, size);
  if (attention & page_unlogged) cpu->ram->mark_dirty(page);
  return true;
}

}  // namespace tsbhyve::soft
