// SPDX-License-Identifier: BSD-2-Clause
// What a disk's bytes lie in, as the threads that do a guest's disk I/O see it.
#pragma once

#include <sys/uio.h>

#include <cerrno>
#include <cstdint>

namespace tsbhyve::disk {

/// Every method may be called from several threads at once, blocks until its work is done, and returns 0 or an errno.
/// Offsets and lengths are bytes from the start of the disk, multiples of 512, and within it.
class DiskImage {
 public:
  virtual ~DiskImage() = default;
  DiskImage() = default;
  DiskImage(const DiskImage&) = delete;
  DiskImage& operator=(const DiskImage&) = delete;

  /// Moves all bytes of the parts, or fails. The parts may be changed by the call.
  virtual int read(iovec* parts, int count, std::uint64_t offset) = 0;
  /// The same without waiting for a medium or for other threads. EAGAIN if that is not possible, or nobody can tell:
  /// then the parts hold anything, and `read` has to be asked.
  virtual int read_cached(const iovec*, int, std::uint64_t) { return EAGAIN; }
  virtual int write(iovec* parts, int count, std::uint64_t offset) = 0;
  /// Every write that had returned when this was called is on stable storage.
  virtual int flush() = 0;
  /// The content no longer matters; EOPNOTSUPP if the medium cannot forget.
  virtual int discard(std::uint64_t offset, std::uint64_t length) = 0;
  /// Reads as zeros from now on, with its space given back if `unmap`.
  virtual int zero(std::uint64_t offset, std::uint64_t length, bool unmap) = 0;
};

}  // namespace tsbhyve::disk
