// SPDX-License-Identifier: BSD-2-Clause
// A thread that stays on one of the host's processors.
#pragma once

namespace tsbhyve {

/// For the calling thread. Throws EngineError when the host refuses.
void pin_thread(int host_cpu);

}  // namespace tsbhyve
