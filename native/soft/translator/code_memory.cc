// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/code_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "engine/engine.h"

namespace tsbhyve::soft {

namespace {

int anonymous_object() {
#ifdef __linux__
  return memfd_create("tsbhyve-code", MFD_CLOEXEC);
#else
  return shm_open(SHM_ANON, O_RDWR | O_CLOEXEC, 0600);
#endif
}

u8* map(int object, size_t size, int protection) {
  void* at = mmap(nullptr, size, protection, MAP_SHARED, object, 0);
  return at == MAP_FAILED ? nullptr : static_cast<u8*>(at);
}

}  // namespace

CodeMemory::CodeMemory(size_t size) : size_(size) {
  const int object = anonymous_object();
  if (object < 0) throw EngineError{errno, "memfd_create", ""};
  const bool sized = ftruncate(object, static_cast<off_t>(size)) == 0;
  if (sized) writable_ = map(object, size, PROT_READ | PROT_WRITE);
  if (writable_) runnable_ = map(object, size, PROT_READ | PROT_EXEC);
  const int number = errno;
  close(object);
  if (runnable_) return;
  if (writable_) munmap(writable_, size);
  throw EngineError{number, sized ? "mmap" : "ftruncate", ""};
}

CodeMemory::~CodeMemory() {
  munmap(writable_, size_);
  munmap(runnable_, size_);
}

}  // namespace tsbhyve::soft
