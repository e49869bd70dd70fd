// SPDX-License-Identifier: BSD-2-Clause
#include "soft/translator/assemble.h"

#include <cstdlib>

// Debian's libasmjit.a is made for programs: the object with its own definitions of these reaches for a variable of the
// C library in a way that a shared library cannot. With these it is not linked.
namespace asmjit::DebugUtils {

const char* errorAsString(Error) noexcept { return "asmjit refuses this"; }
void debugOutput(const char*) noexcept {}
void assertionFailed(const char*, int, const char*) noexcept { std::abort(); }

}  // namespace asmjit::DebugUtils

namespace tsbhyve::soft {

bool finish_code(asmjit::CodeHolder& code) {
  return code.flatten() == asmjit::kErrorOk && code.resolveUnresolvedLinks() == asmjit::kErrorOk;
}

u32 copy_code(asmjit::CodeHolder& code, const CodeMemory& memory, size_t offset, size_t room) {
  if (code.codeSize() > room) return 0;
  if (code.relocateToBase(reinterpret_cast<u64>(memory.runnable() + offset)) != asmjit::kErrorOk) return 0;
  const size_t size = code.codeSize();
  if (code.copyFlattenedData(memory.writable() + offset, room) != asmjit::kErrorOk) return 0;
  return static_cast<u32>(size);
}

}  // namespace tsbhyve::soft
