// SPDX-License-Identifier: BSD-2-Clause
// Zeros for media that cannot make a range read as zeros by themselves.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <functional>

namespace tsbhyve::disk {

/// Writes zeros piece by piece, from memory that direct transfers may go through. `write` is like that of a DiskImage,
/// and its first failure is the result.
int write_zeros(std::uint64_t offset, std::uint64_t length,
                const std::function<int(iovec* parts, int count, std::uint64_t offset)>& write);

}  // namespace tsbhyve::disk
