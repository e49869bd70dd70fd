// SPDX-License-Identifier: BSD-2-Clause
#include "soft/cpu.h"

#include <sys/mman.h>

#include <new>

namespace tsbhyve::soft {

void* Cpu::operator new(std::size_t bytes) {
  void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  return at;
}

void Cpu::operator delete(void* cpu, std::size_t bytes) { munmap(cpu, bytes); }

}  // namespace tsbhyve::soft
