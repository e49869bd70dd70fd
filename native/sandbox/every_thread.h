// SPDX-License-Identifier: BSD-2-Clause
// Runs something in every thread of this process, threads of Node's and of libraries' included.
#pragma once

namespace tsbhyve::sandbox {

/// Must be as careful as a signal handler. 0 or an errno.
using ThreadWork = int (*)(int argument);

/// Runs `work` once in each thread, in the calling one first. Threads that any of them starts meanwhile are reached too
/// unless their starter had it behind it. 0, or the first errno; ETIMEDOUT if a thread does not come to it. One caller
/// at a time.
int in_every_thread(ThreadWork work, int argument);

}  // namespace tsbhyve::sandbox
