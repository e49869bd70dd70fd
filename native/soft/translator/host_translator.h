// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <asmjit/x86.h>

#include <array>

#include "soft/translator/thunks.h"
#include "soft/translator/translator.h"

namespace tsbhyve::soft {

class HostTranslator final : public Translator {
 public:
  HostTranslator(Cpu* cpu, const TranslatorLimits& limits);
  ~HostTranslator() override;

  void watch(Block* block) override;
  void forget(Block* block) override;
  void rest(bool resting) override { resting_ = resting; }
  TranslatorCounts counts() const override { return counts_; }
  bool owns(const void* code) const override;

  bool is_resting() const { return resting_; }
  /// Makes the region that `block` is the entry of. False: the block stays with tier 1. Only while no translated code
  /// runs.
  bool translate(Block* block);
  /// Runs a region, whose first block has not been paid for, and returns how it left.
  const Exit* run(const Region* region) {
    counts_.entries++;
    return thunks_.enter(cpu_, region->code);
  }
  /// Makes the way out jump to its target by itself, where that is possible.
  void connect(Exit* by);

 private:
  /// Code memory is given back piece by piece, the oldest first.
  struct Piece {
    size_t start = 0, used = 0, end = 0;
    std::vector<Region*> regions;
  };
  static constexpr size_t piece_count = 8;

  bool place(asmjit::CodeHolder& code, Region& region);
  void next_piece();
  void install(std::unique_ptr<Region> made);
  void kill(Region* region);
  void disconnect(Exit* exit);

  Cpu* cpu_;
  const u16 heat_;
  const PerfMap* const perf_map_;
  const bool has_bmi2_;
  bool resting_ = false;
  CodeMemory memory_;
  Thunks thunks_;
  std::array<Piece, piece_count> pieces_;
  size_t current_ = 0;
  std::vector<std::unique_ptr<Region>> dead_;  // something of them may still be looked at
  TranslatorCounts counts_;
};

}  // namespace tsbhyve::soft
