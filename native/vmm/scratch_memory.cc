// SPDX-License-Identifier: BSD-2-Clause
#include "vmm/scratch_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

namespace tsbhyve::vmm {

namespace {
/// A device segment's number: this program has no frame buffer.
constexpr int segment = VM_FRAMEBUFFER;
}  // namespace

ScratchMemory::ScratchMemory(const Library& library, vmctx* ctx) : library_(library), ctx_(ctx) {
  void* const host = library_.vm_create_devmem(ctx_, segment, "scratch", bytes);
  if (host == MAP_FAILED) throw EngineError{errno, "vm_create_devmem", ""};
  host_ = static_cast<std::uint8_t*>(host);
}

ScratchMemory::Mapped::Mapped(const ScratchMemory& memory) : memory_(memory) {
  std::fill(memory_.host_, memory_.host_ + bytes, std::uint8_t{0});
  TSBHYVE_VMM(memory_.library_, vm_mmap_memseg, memory_.ctx_, address, segment, 0, bytes,
              PROT_READ | PROT_WRITE | PROT_EXEC);
}

ScratchMemory::Mapped::~Mapped() { memory_.library_.vm_munmap_memseg(memory_.ctx_, address, bytes); }

}  // namespace tsbhyve::vmm
