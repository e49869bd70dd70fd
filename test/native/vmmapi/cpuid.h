// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <vector>

#include "engine/engine.h"

namespace imitation {

/// What the kernel lets its guests see of this processor: our interpreter's features, as vmm.ko would show a small
/// CPU's. XSAVE has x87 and SSE: AVX is what the interpreter cannot run. No TSC_DEADLINE, no x2APIC until somebody
/// asks for it, and no rates of TSC and crystal, as there. `cores` of a socket, `threads` of a core.
std::vector<tsbhyve::CpuidRow> cpuid_rows(std::uint32_t cores, std::uint32_t threads);

}  // namespace imitation
