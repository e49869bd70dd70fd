// SPDX-License-Identifier: BSD-2-Clause
// What a guest asks of its disk.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <vector>

#include "disk/disk_image.h"

namespace tsbhyve::disk {

/// In the order of REQUEST_KINDS in src/hypervisor/disk-image.ts.
enum class RequestKind : std::uint32_t { Read, Write, Flush, Discard, Zero };

struct Request {
  RequestKind kind;
  bool durable;  // on stable storage when it is done, as a flush would leave it
  bool unmap;
  std::uint64_t offset, length;
  std::vector<iovec> parts;
};

/// Returns 0 or an errno. The parts may be changed.
int perform(DiskImage& image, Request& request);

}  // namespace tsbhyve::disk
