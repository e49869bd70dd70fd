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
class PerfMap;

struct TranslatorLimits {
  size_t code_bytes = 0;
  u32 heat = 0;                       // runs of a block after which it is translated; more than 65,535 are as many
  const PerfMap* perf_map = nullptr;  // told of each region; null: nobody is
  bool without_bmi2 = false;          // as on a host that has none
};

struct TranslatorCounts {
  u64 regions = 0, bytes = 0;  // that there are
  u64 made = 0, entries = 0, evictions = 0;
};

class Translator {
 public:
  /// Null where this build or host has none. Throws EngineError when the host refuses something.
  static std::unique_ptr<Translator> create(Cpu* cpu, const TranslatorLimits& limits);
  virtual ~Translator() = default;

  /// A block is new: its runs are counted from now on.
  virtual void watch(Block* block) = 0;
  /// A block dies, and what was made of it.
  virtual void forget(Block* block) = 0;
  /// While it rests tier 1 runs everything, and nothing gets hot. Only between two runs.
  virtual void rest(bool resting) = 0;
  virtual TranslatorCounts counts() const = 0;
  /// Whether it has put host code there that may still run.
  virtual bool owns(const void* code) const = 0;
};

/// Whether a write touches bytes of the region that waits for it.
bool region_overlaps(const Region* region, u64 physical, u64 size);

}  // namespace tsbhyve::soft
