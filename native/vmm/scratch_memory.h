// SPDX-License-Identifier: BSD-2-Clause
// Memory of the VM's that neither its guest nor a device of it reaches.
#pragma once

#include <cstdint>

#include "vmm/library.h"

namespace tsbhyve::vmm {

/// The kernel keeps it as long as the VM. It has an address only while a Mapped lives: for vCPUs that execute something
/// of ours.
class ScratchMemory {
 public:
  /// Where no RAM is and no device, with room for a page of 2 MiB.
  static constexpr std::uint64_t address = 0xf0000000, bytes = 8 * 4096;

  /// Throws EngineError.
  ScratchMemory(const Library& library, vmctx* ctx);

  class Mapped;

 private:
  const Library& library_;
  vmctx* ctx_;
  std::uint8_t* host_;
};

/// No vCPU may run when it begins and when it ends. It begins with zeros.
class ScratchMemory::Mapped {
 public:
  explicit Mapped(const ScratchMemory& memory);
  ~Mapped();
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  std::uint8_t* at(std::uint64_t offset) const { return memory_.host_ + offset; }
  /// Before a vCPU executes what was put there.
  void written() const { memory_.library_.memory_written(memory_.ctx_, address, bytes); }

 private:
  const ScratchMemory& memory_;
};

}  // namespace tsbhyve::vmm
