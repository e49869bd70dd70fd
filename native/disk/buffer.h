// SPDX-License-Identifier: BSD-2-Clause
// Memory that direct transfers may go through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace tsbhyve::disk {

constexpr std::size_t page = 4096;
/// As much as one step of a long transfer takes.
constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

struct FreeMemory {
  void operator()(std::uint8_t* memory) const { std::free(memory); }
};
using Buffer = std::unique_ptr<std::uint8_t, FreeMemory>;

/// Begins at a page.
inline Buffer make_buffer(std::size_t bytes) {
  Buffer buffer(static_cast<std::uint8_t*>(std::aligned_alloc(page, (bytes + page - 1) & ~(page - 1))));
  if (!buffer) throw std::bad_alloc();
  return buffer;
}

}  // namespace tsbhyve::disk
