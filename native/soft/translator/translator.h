// SPDX-License-Identifier: BSD-2-Clause
// Tier 2: regions of hot blocks as host code. Wholly derived from the blocks of a vCPU's cache; whether it is there
// changes nothing that a guest can see (docs/decisions/0023-translator.md).
#pragma once

#include <memory>
#include <vector>

#include "soft/cpu.h"

namespace tsbhyve::soft {

struct Block;
struct Region;

struct TranslatorCounts {
  u64 regions = 0, bytes = 0, entries = 0, evictions = 0;
};

class Translator {
 public:
  /// Null where this build or host has none. A block is translated after `heat` runs.
  static std::unique_ptr<Translator> create(Cpu* cpu, size_t code_bytes, u32 heat);
  virtual ~Translator() = default;

  /// A block is new: its runs are counted from now on.
  virtual void watch(Block* block) = 0;
  /// A block dies, and what was made of it.
  virtual void forget(Block* block) = 0;
  virtual TranslatorCounts counts() const = 0;
};

/// Whether a write touches bytes of the region that waits for it.
bool region_overlaps(const Region* region, u64 physical, u64 size);

inline constexpr u32 usual_heat = 48;

}  // namespace tsbhyve::soft
