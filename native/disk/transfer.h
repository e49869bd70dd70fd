// SPDX-License-Identifier: BSD-2-Clause
// Transfers between scattered memory and files.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <vector>

#include "disk/parts.h"

namespace tsbhyve::disk {

enum class Way { Read, Write };

/// Moves all that the cursor has left, and returns 0 or an errno. Where the file ends it stops: the rest is left in the
/// cursor. `offset` goes on with it.
int move_parts(Way way, int fd, PartCursor& cursor, std::uint64_t& offset);

/// Move all bytes at `offset` of the file. A file that ends before gives zeros: what it lacks was never written.
int read_all(int fd, std::vector<iovec> parts, std::uint64_t offset);
int write_all(int fd, std::vector<iovec> parts, std::uint64_t offset);

/// Reads all bytes from the host's page cache; EAGAIN if they are not there, or the host cannot tell. Not for
/// descriptors with O_DIRECT, whose reads wait for the medium all the same.
int read_from_cache(int fd, const iovec* parts, int count, std::uint64_t offset);

/// What was written is on stable storage then; 0 or an errno.
int sync_data(int fd);

}  // namespace tsbhyve::disk
