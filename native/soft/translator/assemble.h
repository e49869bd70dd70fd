// SPDX-License-Identifier: BSD-2-Clause
// From asmjit's buffers to runnable memory.
#pragma once

#include <asmjit/x86.h>

#include "soft/translator/code_memory.h"

namespace tsbhyve::soft {

inline asmjit::Environment host_environment() { return asmjit::Environment::host(); }

/// Lays the sections out. False when the code is not correct.
bool finish_code(asmjit::CodeHolder& code);

/// Puts finished code at `offset` of `memory`, in at most `room` bytes. Returns its size, 0 when it does not fit.
u32 copy_code(asmjit::CodeHolder& code, const CodeMemory& memory, size_t offset, size_t room);

}  // namespace tsbhyve::soft
