// SPDX-License-Identifier: BSD-2-Clause
// The floating-point and vector registers, which no request of the kernel's reads or writes: the vCPU itself is made
// to, by a few instructions of ours in memory that the guest does not see.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "vmm/registers.h"
#include "vmm/scratch_memory.h"

namespace tsbhyve::vmm {

struct FpuState {
  std::vector<std::uint8_t> image;  // XSAVE area in standard format
  std::uint64_t xcr0 = 1;
};

class Fpu {
 public:
  Fpu(const Library& library, vcpu* processor, const ScratchMemory& scratch, Registers* registers)
      : library_(library), vcpu_(processor), scratch_(scratch), registers_(registers) {}

  /// Nothing: the processor could not be entered as things stand, and the guest has to go on a little first. The vCPU
  /// must be between two instructions. Throws EngineError.
  std::optional<FpuState> read();
  /// Throws EngineError, and std::invalid_argument for what is no image.
  void write(const FpuState& state);
  /// Whether the guest's NMI came to our code meanwhile, which it has left behind as if there had been none.
  bool take_nmi() { return std::exchange(nmi_, false); }

 private:
  bool execute(const ScratchMemory::Mapped& memory, std::span<const std::uint8_t> code, bool with_xsave);
  bool run_to_end();

  const Library& library_;
  vcpu* vcpu_;
  const ScratchMemory& scratch_;
  Registers* registers_;
  bool nmi_ = false;
};

}  // namespace tsbhyve::vmm
