// SPDX-License-Identifier: BSD-2-Clause
// The floating-point and vector registers, which no request of the kernel's reads or writes: the vCPU itself is made
// to, by a few instructions of ours on a few pages of the guest's that it does not miss meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/guest_ram.h"
#include "vmm/registers.h"

namespace tsbhyve::vmm {

struct FpuState {
  std::vector<std::uint8_t> image;  // XSAVE area in standard format
  std::uint64_t xcr0 = 1;
};

class Fpu {
 public:
  Fpu(const Library& library, vmctx* ctx, vcpu* processor, GuestRam* ram, Registers* registers)
      : library_(library), ctx_(ctx), vcpu_(processor), ram_(ram), registers_(registers) {}

  /// Nothing: the processor could not be entered as things stand, and the guest has to go on a little first. The vCPU
  /// must be between two instructions. Throws EngineError.
  std::optional<FpuState> read();
  /// Throws EngineError, and std::invalid_argument for what is no image.
  void write(const FpuState& state);
  /// Whether the guest's NMI came to our code meanwhile, which it has left behind as if there had been none.
  bool take_nmi() { return std::exchange(nmi_, false); }

 private:
  bool execute(std::uint8_t* pages, std::span<const std::uint8_t> code, bool with_xsave);
  bool run_to_end();

  const Library& library_;
  vmctx* ctx_;
  vcpu* vcpu_;
  GuestRam* ram_;
  Registers* registers_;
  bool nmi_ = false;
};

}  // namespace tsbhyve::vmm
