// SPDX-License-Identifier: BSD-2-Clause
// All decoded blocks of a vCPU, found by physical address and mode, and dropped when their bytes change.
// Wholly derived: flushing it at any instant changes nothing that a guest can see.
#pragma once

#include <cstdlib>
#include <memory>
#include <vector>

#include "soft/block.h"

namespace tsbhyve {
class GuestRam;
}

namespace tsbhyve::soft {

class BlockCache {
 public:
  /// Blocks of all vCPUs together, but for what is each one's due.
  static constexpr size_t max_blocks = 1 << 20, due_blocks = 1 << 18;

  /// `holder` is the number of the vCPU. Room is made when there are `limit` blocks.
  BlockCache(Cpu* cpu, GuestRam* ram, unsigned holder = 0, size_t limit = max_blocks);
  ~BlockCache();
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  Block* find(u64 physical, u32 mode) const;
  /// Adopts a built block and marks its page.
  Block* insert(std::unique_ptr<Block> block);

  /// Sees to it that stores to the page at `physical` are noticed, those of this vCPU at least. False if they are
  /// already.
  bool hold(u64 physical);
  /// Takes the blocks of other pages that run onto this one out of the jump cache.
  void forget_jumps_onto(u64 physical);
  /// Drops all blocks that have bytes of this page.
  void drop_page(u64 physical);

  /// Whether a write of [physical, physical + size) touches bytes of `block`.
  static bool overlaps(const Block* block, u64 physical, u64 size);
  /// Bytes were written: drops the blocks made from them.
  void written(u64 physical, u64 size);
  void flush();

  /// Keeps a block alive until the next collect(), without finding it again.
  Block* keep_once(std::unique_ptr<Block> block);

  /// Frees dropped blocks. Only when no handler runs: attend() does it.
  void collect() {
    if (!dropped_.empty()) free_dropped();
  }

 private:
  struct PageBlocks {
    u64 granules = 0;  // bit i: some block covers bytes of the i-th 64-byte granule
    bool held = false;
    Block* first = nullptr;
    Block* into = nullptr;  // blocks of the page before that run onto this one
  };

  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  void drop(Block* block);
  void free_dropped();
  PageBlocks& page_of(u64 physical);
  void let_go(u64 index);
  void forget_page(u64 physical);
  void mark(u64 physical, u64 granules);
  void written_page(u64 physical, u64 size);
  /// The golden ratio spreads what is alike over the upper bits.
  size_t bucket(u64 physical, u32 mode) const {
    return ((physical ^ u64{mode} << 52) * 0x9e3779b97f4a7c15) >> bucket_shift_;
  }
  void grow();
  void make_room();

  static constexpr u32 first_bucket_bits = 12;

  Cpu* cpu_;
  GuestRam* ram_;
  const unsigned holder_;
  const size_t limit_;
  std::vector<Block*> buckets_;
  u32 bucket_shift_ = 64 - first_bucket_bits;
  /// By GuestRam page index. What no code has touched stays without memory of the host's.
  std::unique_ptr<PageBlocks[], Free> pages_;
  std::vector<std::unique_ptr<Block>> dropped_;
  size_t count_ = 0;
};

/// A store of this vCPU's: every cache of the machine drops the blocks made from these bytes.
void code_written(Cpu* cpu, u64 physical, u64 size);

/// Decodes the block at linear address `lin` (physical `physical`, whose page is at `host`), under cpu->mode | extra
/// mode bits. `limit` is how many bytes the code segment still allows. Raises what fetching its first instruction
/// raises.
std::unique_ptr<Block> build_block(Cpu* cpu, u64 lin, u64 physical, u32 mode, u64 limit);

/// Finds or makes the block for cpu->rip. Raises #PF and #GP of the fetch.
Block* fetch_block(Cpu* cpu, bool single);

}  // namespace tsbhyve::soft
