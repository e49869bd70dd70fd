// SPDX-License-Identifier: BSD-2-Clause
// A filter in the kernel that leaves a process the system calls of allowed_calls.h. What is refused answers EPERM.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace tsbhyve::sandbox {

/// `internet`: sockets of IPv4 and IPv6 may still be made. `ring`: an io_uring that is there may still be used,
/// although its work is not looked at.
std::vector<sock_filter> seccomp_program(bool internet, bool ring = false);

/// Whether this process has an io_uring: newer versions of Node make one for each event loop, unless the launcher keeps
/// them from it.
bool has_ring();

/// For all threads of this process, for ever, with no_new_privs. 0 or an errno.
int install_filter(const std::vector<sock_filter>& program);

}  // namespace tsbhyve::sandbox
