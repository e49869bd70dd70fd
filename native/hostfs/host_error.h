// SPDX-License-Identifier: BSD-2-Clause
// What went wrong, in the numbers that 9P2000.L and so every guest uses: Linux's.
#pragma once

#include <cerrno>

namespace tsbhyve::hostfs {

inline constexpr int LINUX_EIO = 5;

/// Linux's number for an errno of this host.
constexpr int linux_errno(int host) {
#ifdef __linux__
  return host;
#else
  switch (host) {
    case EAGAIN: return 11;
    case EDEADLK: return 35;
    case ENAMETOOLONG: return 36;
    case ENOLCK: return 37;
    case ENOSYS: return 38;
    case ENOTEMPTY: return 39;
    case ELOOP: return 40;
#ifdef EMLINK
    case EMLINK: return 31;
#endif
    case EOVERFLOW: return 75;
    case ENOTSUP: return 95;
#if EOPNOTSUPP != ENOTSUP
    case EOPNOTSUPP: return 95;
#endif
    case EDQUOT: return 122;
    case ESTALE: return 116;
    case ETIMEDOUT: return 110;
    // The first 34 are the same everywhere, but for EDEADLK and EAGAIN.
    default: return host <= 34 ? host : LINUX_EIO;
  }
#endif
}

/// The last failure, as functions here give it back.
inline int failure() { return -linux_errno(errno); }

}  // namespace tsbhyve::hostfs
