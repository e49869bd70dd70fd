// SPDX-License-Identifier: BSD-2-Clause
#include "soft/threads/threaded_cpu.h"

#include <algorithm>
#include <thread>

#include "engine/guest_ram.h"
#include "soft/block_cache.h"
#include "soft/host/guest_access.h"
#include "soft/memory/mmu.h"

namespace tsbhyve::soft {

namespace {

/// Each needs a copy. With more, new code is decoded each time it runs.
constexpr size_t most_fresh = 256;

void copy_code(u8* to, const u8* from, u64 size) {
  for (u64 i = 0; i < size; i++) to[i] = host::load_word<u8>(from + i);
}

/// `live` is memory that others may write, `page_size` bytes.
void copy_page(u8* to, const u8* live) {
  for (u64 at = 0; at < page_size; at += sizeof(u64)) {
    const u64 word = host::load_word<u64>(live + at);
    __builtin_memcpy(to + at, &word, sizeof word);
  }
}

bool same_page(const u8* copy, const u8* live) {
  for (u64 at = 0; at < page_size; at += sizeof(u64)) {
    u64 word;
    __builtin_memcpy(&word, copy + at, sizeof word);
    if (word != host::load_word<u64>(live + at)) return false;
  }
  return true;
}

}  // namespace

void ThreadedCpu::enter() {
  pages_.enter(index_);
  ask_to_attend(cpu_);  // before the first block
}

void ThreadedCpu::post(u32 delivery_mode, u8 vector, bool level) {
  inbox_.post(delivery_mode, vector, level);
  tell();
}

void ThreadedCpu::set_external_interrupt(bool level) {
  inbox_.set_external_interrupt(level);
  tell();
}

void ThreadedCpu::tell() {
  ask_to_attend(cpu_);
  rouse_();
}

void ThreadedCpu::attend() {
  deliver();
  if (pages_.has_mail(index_)) {
    const CodeMail mail = pages_.take(index_);
    if (mail.all_stores) {
      cpu_->mmu->drop_fast_writes();
    } else {
      for (const u64 physical : mail.unlog) cpu_->mmu->drop_fast_writes_to(physical);
    }
    pages_.serve(index_, mail.epoch);
    if (mail.all_blocks) {
      cpu_->blocks->flush();
    } else {
      for (const u64 physical : mail.written) cpu_->blocks->drop_page(physical);
    }
  }
  check_fresh(false);
  if (stop_wanted_) {
    cpu_->retire_limit -= static_cast<u64>(cpu_->budget);
    cpu_->budget = 0;
  }
}

void ThreadedCpu::serialize() {
  host::full_fence();
  if (pages_.has_mail(index_)) ask_to_attend(cpu_);
  check_fresh(true);
}

void ThreadedCpu::pause() {
  constexpr u32 patience = 64;
  if (++pauses_ % patience == 0) std::this_thread::yield();
}

/// Those that nobody can store to unseen any more, and all others too if they may have changed already.
void ThreadedCpu::check_fresh(bool all) {
  for (size_t i = 0; i < fresh_.size();) {
    const bool settled = pages_.served(index_, fresh_[i].epoch);
    if (settled || all) {
      const u64 physical = fresh_[i].physical;
      const bool same = same_page(fresh_[i].bytes.get(), cpu_->ram->host_page(physical));
      if (settled || !same) {
        fresh_.erase(fresh_.begin() + static_cast<std::ptrdiff_t>(i));
        if (!same) cpu_->blocks->drop_page(physical);
        continue;
      }
    }
    i++;
  }
  if (!fresh_.empty()) ask_to_attend(cpu_);
}

ThreadedCpu::Fresh* ThreadedCpu::find(u64 page) {
  const auto found = std::find_if(fresh_.begin(), fresh_.end(), [page](const Fresh& f) { return f.page == page; });
  return found == fresh_.end() ? nullptr : &*found;
}

/// A block may lie on two pages.
bool ThreadedCpu::begin_decoding() {
  keeps_ = fresh_.size() + 2 <= most_fresh;
  return keeps_;
}

void ThreadedCpu::read_code(u64 physical, u8* to, u32 size) {
  const u64 offset = physical & page_offset_mask, page = cpu_->ram->page_index(physical);
  const u8* live = cpu_->ram->host_page(physical);
  if (keeps_ && cpu_->blocks->hold(physical)) {
    const u64 epoch = pages_.claim(index_, page, physical & page_mask);
    if (!pages_.served(index_, epoch)) {
      fresh_.push_back({page, physical & page_mask, epoch, std::make_unique<u8[]>(page_size)});
      copy_page(fresh_.back().bytes.get(), live);
      ask_to_attend(cpu_);
    }
  }
  const Fresh* fresh = find(page);
  if (fresh) {
    __builtin_memcpy(to, fresh->bytes.get() + offset, size);
  } else {
    copy_code(to, live + offset, size);
  }
}

void ThreadedCpu::wrote_code(u64 physical, u64 size) {
  const u64 page = cpu_->ram->page_index(physical);
  if (Fresh* fresh = find(page)) {
    const u64 offset = physical & page_offset_mask;
    copy_code(fresh->bytes.get() + offset, cpu_->ram->host_page(physical) + offset, size);
  }
  if (cpu_->ram->code_holders(page) & ~(1u << index_)) {
    pages_.written(static_cast<int>(index_), page, physical & page_mask);
  }
}

void ThreadedCpu::release(u64 page) {
  std::erase_if(fresh_, [page](const Fresh& fresh) { return fresh.page == page; });
  pages_.release(index_, page);
}

void attend(Cpu* cpu) {
  __atomic_store_n(&cpu->attention_wanted, false, __ATOMIC_SEQ_CST);  // before looking
  cpu->blocks->collect();
  if (cpu->threaded) cpu->threaded->attend();
}

}  // namespace tsbhyve::soft
