// SPDX-License-Identifier: BSD-2-Clause
// Frames on their way from one thread to another: one writer, one reader, a bounded piece of memory. A record is its
// length in 32 bits and its bytes in one piece; it begins at a multiple of eight.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

namespace tsbhyve::net {

class FrameRing {
 public:
  /// Stands for a length where the rest of the memory is left free, and the next record is at its beginning.
  static constexpr std::uint32_t skip = 0xffff'ffff;
  static constexpr std::uint32_t prefix = 4;
  static constexpr std::uint32_t alignment = 8;

  /// `capacity` is a power of two.
  explicit FrameRing(std::uint32_t capacity);

  /// The writer's: room for a record of at most so many bytes, in one piece; empty if there is none.
  std::span<std::uint8_t> reserve(std::uint32_t longest);
  /// The first `length` bytes of what was reserved last are a record now.
  void commit(std::uint32_t length);
  bool has_room(std::uint32_t longest) const;

  /// The reader's: the oldest record, which is its own until it is popped; empty if there is none.
  std::span<std::uint8_t> front();
  void pop();
  bool is_empty() const { return waiting() == 0; }

  /// For a reader that looks at the memory itself: bytes that hold records from where it has got to, skipped ones
  /// included.
  std::uint32_t waiting() const { return head_.load() - tail_.load(); }
  void release(std::uint32_t bytes) { tail_.fetch_add(bytes); }
  std::span<std::uint8_t> memory() { return {memory_.get(), capacity_}; }

 private:
  std::uint32_t room() const { return capacity_ - waiting(); }
  std::uint32_t to_the_end(std::uint32_t position) const { return capacity_ - (position & (capacity_ - 1)); }
  void put_length(std::uint32_t position, std::uint32_t length);

  const std::uint32_t capacity_;
  std::unique_ptr<std::uint8_t[]> memory_;
  // Free-running: their difference is what waits.
  std::atomic<std::uint32_t> head_ = 0, tail_ = 0;
};

}  // namespace tsbhyve::net
