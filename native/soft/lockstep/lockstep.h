// SPDX-License-Identifier: BSD-2-Clause
// Both tiers, one after the other, over the same instructions: each piece of a run is done with the translator, taken
// back, and done again by tier 1 alone. Whatever differs then ends the run. Slow, and needs a run that can be repeated:
// one vCPU under the virtual clock.
#pragma once

#include <string>

#include "soft/lockstep/cpu_copy.h"
#include "soft/lockstep/ram_copy.h"
#include "soft/run.h"

namespace tsbhyve::soft {

class Lockstep {
 public:
  /// Throws EngineError when the dirty log has no room.
  Lockstep(SoftVcpu& vcpu, GuestRam* ram);

  /// As soft::execute(); Difference at the first one.
  Stop run();
  /// All of memory has been replaced.
  void forget_memory() { ram_.forget(); }
  /// What run() has found, with both states; empty when nothing.
  const std::string& difference() const { return difference_; }
  /// Pieces in which both tiers agreed.
  u64 agreed() const { return agreed_; }

 private:
  struct Pass {
    Stop stop;
    CpuCopy after;
    PageContents written;
  };
  struct Piece {
    Pass interpreted, translated;
  };

  u64 draw_length();
  Pass pass(u64 instructions, bool translated);
  /// Both passes; the second leaves what it has done, and memory is not kept yet.
  Piece run_piece(const CpuCopy& before, u64 instructions);
  void back_to(const CpuCopy& before, const PageContents& written);
  std::string compare(const Piece& piece) const;
  Stop check_piece(u64 instructions);
  void narrow(const CpuCopy& before, u64 instructions, Piece piece);

  SoftVcpu& vcpu_;
  RamCopy ram_;
  std::string difference_;
  u64 agreed_ = 0;
  u64 random_ = 1;
};

}  // namespace tsbhyve::soft
