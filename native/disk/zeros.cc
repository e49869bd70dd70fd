// SPDX-License-Identifier: BSD-2-Clause
#include "disk/zeros.h"

#include <algorithm>

#include "disk/buffer.h"

namespace tsbhyve::disk {

int write_zeros(std::uint64_t offset, std::uint64_t length,
                const std::function<int(iovec* parts, int count, std::uint64_t offset)>& write) {
  if (length == 0) return 0;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_bytes, length));
  const Buffer zeros = make_buffer(size);
  std::fill_n(zeros.get(), size, std::uint8_t{0});
  for (std::uint64_t done = 0; done < length; done += size) {
    iovec part{zeros.get(), static_cast<std::size_t>(std::min<std::uint64_t>(size, length - done))};
    if (const int failure = write(&part, 1, offset + done)) return failure;
  }
  return 0;
}

}  // namespace tsbhyve::disk
