// SPDX-License-Identifier: BSD-2-Clause
// Space of files and block devices: how much there is, and giving it back. Errors are errno values.
#pragma once

#include <cstdint>

namespace tsbhyve::disk {

struct MediumSize {
  std::uint64_t bytes;
  bool is_device;
};

/// Throws std::invalid_argument for what is neither a file nor a block device, and std::system_error.
MediumSize medium_size(int fd);

/// Gives a part of a file back, which then reads as zeros; EOPNOTSUPP where the file system cannot do that.
int punch_hole(int fd, std::uint64_t offset, std::uint64_t length);

/// Whether `give_back` will work.
bool can_give_back(int fd, bool is_device, std::uint64_t capacity);

/// Lets the host forget a range; EOPNOTSUPP if it cannot.
int give_back(int fd, bool is_device, std::uint64_t offset, std::uint64_t length);

/// Makes a range read as zeros without writing them, with its space given back if `unmap`; EOPNOTSUPP if that is not
/// possible there.
int make_zero(int fd, std::uint64_t offset, std::uint64_t length, bool unmap);

}  // namespace tsbhyve::disk
