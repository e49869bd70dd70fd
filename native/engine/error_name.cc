// SPDX-License-Identifier: BSD-2-Clause
#include "engine/error_name.h"

#include <cerrno>
#include <cstring>

namespace tsbhyve {

const char* error_name(int number) {
#ifdef __GLIBC__
  return strerrorname_np(number);
#else
  switch (number) {
#define NAME(name) \
  case name:       \
    return #name
    NAME(EPERM);
    NAME(ENOENT);
    NAME(EINTR);
    NAME(EIO);
    NAME(ENXIO);
    NAME(EBADF);
    NAME(EAGAIN);
    NAME(ENOMEM);
    NAME(EACCES);
    NAME(EFAULT);
    NAME(EBUSY);
    NAME(EEXIST);
    NAME(ENODEV);
    NAME(EINVAL);
    NAME(EMFILE);
    NAME(ENOTTY);
    NAME(EFBIG);
    NAME(ENOSPC);
    NAME(EROFS);
    NAME(EPIPE);
    NAME(ENOSYS);
    NAME(ENOTSUP);
    NAME(ECONNREFUSED);
    NAME(ETIMEDOUT);
#undef NAME
    default: return nullptr;
  }
#endif
}

}  // namespace tsbhyve
