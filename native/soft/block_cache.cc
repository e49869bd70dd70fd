// SPDX-License-Identifier: BSD-2-Clause
#include "soft/block_cache.h"

#include <algorithm>
#include <new>

#include "engine/guest_ram.h"
#include "soft/attend.h"
#include "soft/memory/mmu.h"
#include "soft/threads/threaded_cpu.h"
#include "soft/translator/translator.h"

namespace tsbhyve::soft {

namespace {

u64 granule_bits(u64 first_byte, u64 length) {
  const u64 first = first_byte / 64, last = (first_byte + length - 1) / 64;
  const u64 through_last = last == 63 ? ~u64{0} : (u64{1} << (last + 1)) - 1;
  return through_last & ~((u64{1} << first) - 1);
}

void unlink(Block** at, const Block* block, Block* Block::*next) {
  while (*at != block) at = &((*at)->*next);
  *at = block->*next;
}

void unlink_into(Block** at, const Block* block) {
  while (*at != block) at = &(*at)->second_page().next_into;
  *at = block->second_page().next_into;
}

/// No branch of `block` leads to what has been dropped.
void forget_dropped(Block* block) {
  for (Link* link : {&block->branch.taken, &block->branch.next}) {
    if (link->block && link->block->dropped) link->block = nullptr;
  }
}

bool touches(u64 start, u64 length, u64 physical, u64 size) {
  return physical < start + length && start < physical + size;
}

}  // namespace

void code_written(Cpu* cpu, u64 physical, u64 size) {
  cpu->blocks->written(physical, size);
  if (cpu->threaded) cpu->threaded->wrote_code(physical, size);
  for (Cpu* other : cpu->others) other->blocks->written(physical, size);
}

BlockCache::BlockCache(Cpu* cpu, GuestRam* ram, unsigned holder, size_t limit)
    : cpu_(cpu),
      ram_(ram),
      holder_(holder),
      limit_(limit),
      buckets_(size_t{1} << first_bucket_bits),
      pages_(static_cast<PageBlocks*>(std::calloc(ram->page_count(), sizeof(PageBlocks)))) {
  if (!pages_) throw std::bad_alloc();
}

BlockCache::~BlockCache() { flush(); }

Block* BlockCache::find(u64 physical, u32 mode) const {
  Block* block = buckets_[bucket(physical, mode)];
  while (block && (block->physical != physical || block->mode != mode)) block = block->next_in_bucket;
  return block;
}

Block* BlockCache::insert(std::unique_ptr<Block> owned) {
  if (count_ == limit_) make_room();
  if (count_ == buckets_.size()) grow();
  Block* block = owned.release();
  Block*& head = buckets_[bucket(block->physical, block->mode)];
  block->next_in_bucket = head;
  head = block;
  count_++;
  const u64 first_byte = block->physical & page_offset_mask;
  const u64 on_first = std::min<u64>(block->length(), page_size - first_byte);
  PageBlocks& page = page_of(block->physical);
  block->next_on_page = page.first;
  page.first = block;
  mark(block->physical, granule_bits(first_byte, on_first));
  if (block->straddles) {
    const u64 second_physical = block->second_page().physical;
    PageBlocks& second = page_of(second_physical);
    block->second_page().next_into = second.into;
    second.into = block;
    mark(second_physical, granule_bits(0, block->length() - on_first));
  }
  if (cpu_->translator) cpu_->translator->watch(block);
  return block;
}

/// What has been translated is worth keeping; the rest has run too seldom to be missed.
void BlockCache::make_room() {
  for (size_t i = 0; i < buckets_.size(); i++) {
    for (Block* block = buckets_[i]; block;) {
      Block* const next = block->next_in_bucket;
      if (!block->member_of) drop(block);
      block = next;
    }
  }
  for (Block* block : buckets_) {
    for (; block; block = block->next_in_bucket) forget_dropped(block);
  }
  if (count_ > limit_ / 2) flush();
}

/// Twice as many buckets.
void BlockCache::grow() {
  std::vector<Block*> old(buckets_.size() * 2);
  old.swap(buckets_);
  bucket_shift_--;
  for (Block* head : old) {
    for (Block* block = head; block;) {
      Block* const next = block->next_in_bucket;
      Block*& to = buckets_[bucket(block->physical, block->mode)];
      block->next_in_bucket = to;
      to = block;
      block = next;
    }
  }
}

BlockCache::PageBlocks& BlockCache::page_of(u64 physical) { return pages_[ram_->page_index(physical)]; }

/// Notes code on a page.
void BlockCache::mark(u64 physical, u64 granules) {
  page_of(physical).granules |= granules;
  hold(physical);
}

/// Stores that the fast path served until now must be seen from here on. Where other vCPUs run at the same time, the
/// one that asks for this tells them (ThreadedCpu).
bool BlockCache::hold(u64 physical) {
  PageBlocks& page = page_of(physical);
  if (page.held) return false;
  page.held = true;
  const u64 index = ram_->page_index(physical);
  cpu_->mmu->drop_fast_writes_to(physical);
  if (cpu_->threaded) return true;
  const bool is_first = ram_->code_holders(index) == 0;
  ram_->hold_code(index, holder_);
  if (!is_first) return true;
  for (Cpu* other : cpu_->others) other->mmu->drop_fast_writes_to(physical);
  return true;
}

void BlockCache::let_go(u64 index) {
  if (!pages_[index].held) return;
  pages_[index].held = false;
  if (cpu_->threaded) {
    cpu_->threaded->release(index);
  } else {
    ram_->release_code(index, holder_);
  }
}

void BlockCache::drop_page(u64 physical) {
  const u64 index = ram_->page_index(physical);
  PageBlocks& page = pages_[index];
  while (page.first) drop(page.first);
  while (page.into) drop(page.into);
  page.granules = 0;
  let_go(index);
}

void BlockCache::forget_jumps_onto(u64 physical) {
  for (Block* block = page_of(physical).into; block; block = block->second_page().next_into) {
    if (JumpEntry& entry = cpu_->jumps[block->jump_slot]; entry.block == block) entry = {};
  }
}

bool BlockCache::overlaps(const Block* block, u64 physical, u64 size) {
  const u64 on_first = std::min<u64>(block->length(), page_size - (block->physical & page_offset_mask));
  if (touches(block->physical, on_first, physical, size)) return true;
  return block->straddles && touches(block->second_page().physical, block->length() - on_first, physical, size);
}

void BlockCache::written(u64 physical, u64 size) {
  while (size > 0) {
    const u64 here = std::min<u64>(size, page_size - (physical & page_offset_mask));
    if (ram_->find(physical)) written_page(physical, here);
    physical += here;
    size -= here;
  }
}

/// Blocks of one page that a store may have to walk past.
constexpr size_t crowd = 256;

void BlockCache::written_page(u64 physical, u64 size) {
  const u64 index = ram_->page_index(physical);
  PageBlocks& page = pages_[index];
  if (!(ram_->attention(index) & page_has_code)) return;
  if (!(page.granules & granule_bits(physical & page_offset_mask, size))) return;
  const size_t before = count_;
  size_t seen = 0;
  for (Block* block = page.first; block; seen++) {
    Block* next = block->next_on_page;
    // Where code is written in the midst of very many blocks, walking past them at every store would take far longer
    // than building a few anew. The running one must keep its links up to date.
    if (overlaps(block, physical, size) || (seen >= crowd && block != cpu_->block)) drop(block);
    block = next;
  }
  for (Block* block = page.into; block;) {
    Block* next = block->second_page().next_into;
    if (overlaps(block, physical, size)) drop(block);
    block = next;
  }
  page.granules = 0;
  for (Block* block = page.first; block; block = block->next_on_page) {
    if (count_ != before) forget_dropped(block);
    const u64 first_byte = block->physical & page_offset_mask;
    page.granules |= granule_bits(first_byte, std::min<u64>(block->length(), page_size - first_byte));
  }
  for (Block* block = page.into; block; block = block->second_page().next_into) {
    page.granules |= granule_bits(0, block->length() - (page_size - (block->physical & page_offset_mask)));
  }
  if (page.granules == 0) let_go(index);
}

/// Branches of other blocks may still lead to it: whoever calls this sees to those on its page. Its own lead nowhere,
/// as a call may still come back to it.
void BlockCache::drop(Block* block) {
  if (cpu_->translator) cpu_->translator->forget(block);
  unlink(&buckets_[bucket(block->physical, block->mode)], block, &Block::next_in_bucket);
  unlink(&page_of(block->physical).first, block, &Block::next_on_page);
  if (block->straddles) unlink_into(&page_of(block->second_page().physical).into, block);
  if (JumpEntry& entry = cpu_->jumps[block->jump_slot]; entry.block == block) entry = {};
  if (cpu_->link == &block->branch.taken || cpu_->link == &block->branch.next) cpu_->link = nullptr;
  block->branch.taken.block = block->branch.next.block = nullptr;
  block->dropped = true;
  dropped_.emplace_back(block);
  ask_to_attend(cpu_);
  count_--;
}

Block* BlockCache::keep_once(std::unique_ptr<Block> block) {
  ask_to_attend(cpu_);
  return dropped_.emplace_back(std::move(block)).get();
}

/// The branch that waits for its target may belong to a block that dies here.
void BlockCache::free_dropped() {
  cpu_->link = nullptr;
  dropped_.clear();
}

void BlockCache::forget_page(u64 physical) {
  let_go(ram_->page_index(physical));
  page_of(physical) = {};
}

void BlockCache::flush() {
  for (Block* head : buckets_) {
    for (Block* block = head; block;) {
      Block* next = block->next_in_bucket;
      if (cpu_->translator) cpu_->translator->forget(block);
      forget_page(block->physical);
      if (block->straddles) forget_page(block->second_page().physical);
      dropped_.emplace_back(block);
      ask_to_attend(cpu_);
      block = next;
    }
  }
  std::fill(buckets_.begin(), buckets_.end(), nullptr);
  for (JumpEntry& entry : cpu_->jumps) entry = {};
  cpu_->link = nullptr;
  count_ = 0;
}

}  // namespace tsbhyve::soft
