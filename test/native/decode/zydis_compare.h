// SPDX-License-Identifier: BSD-2-Clause
// Compares this decoder with Zydis on one byte string.
#pragma once

#include <string>

#include "soft/decode/instruction.h"

namespace tsbhyve::soft::test {

/// Empty if both agree, otherwise what differs, in words that are the same for the same kind of difference.
std::string compare_with_zydis(const u8* bytes, size_t available, CodeSize code_size);

}  // namespace tsbhyve::soft::test
