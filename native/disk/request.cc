// SPDX-License-Identifier: BSD-2-Clause
#include "disk/request.h"

#include <cerrno>
#include <new>

namespace tsbhyve::disk {

namespace {

int work_on(DiskImage& image, Request& request) {
  const int count = static_cast<int>(request.parts.size());
  switch (request.kind) {
    case RequestKind::Read: return image.read(request.parts.data(), count, request.offset);
    case RequestKind::Write: return image.write(request.parts.data(), count, request.offset);
    case RequestKind::Flush: return image.flush();
    case RequestKind::Discard: return image.discard(request.offset, request.length);
    case RequestKind::Zero: return image.zero(request.offset, request.length, request.unmap);
  }
  return EINVAL;
}

}  // namespace

int perform(DiskImage& image, Request& request) {
  try {
    const int error = work_on(image, request);
    const bool changes = request.kind != RequestKind::Read && request.kind != RequestKind::Flush;
    return error == 0 && request.durable && changes ? image.flush() : error;
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
}

}  // namespace tsbhyve::disk
