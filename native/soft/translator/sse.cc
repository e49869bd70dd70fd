// SPDX-License-Identifier: BSD-2-Clause
// SSE in translated code. The guest's XMM registers stay in memory.
#include "soft/translator/families.h"

namespace tsbhyve::soft {

bool translate_sse(Emitter&) { return false; }

}  // namespace tsbhyve::soft
