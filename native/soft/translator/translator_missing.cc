// SPDX-License-Identifier: BSD-2-Clause
// For builds without asmjit and for other hosts than x86-64: the engine stays on tier 1.
#include "soft/translator/translator.h"

namespace tsbhyve::soft {

std::unique_ptr<Translator> Translator::create(Cpu*, const TranslatorLimits&) { return nullptr; }

bool region_overlaps(const Region*, u64, u64) { return false; }

}  // namespace tsbhyve::soft
