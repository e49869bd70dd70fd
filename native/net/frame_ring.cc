// SPDX-License-Identifier: BSD-2-Clause
#include "net/frame_ring.h"

#include <cstring>
#include <stdexcept>

namespace tsbhyve::net {

namespace {

std::uint32_t record_size(std::uint32_t length) {
  return (FrameRing::prefix + length + FrameRing::alignment - 1) & ~(FrameRing::alignment - 1);
}

}  // namespace

FrameRing::FrameRing(std::uint32_t capacity)
    : capacity_(capacity), memory_(std::make_unique<std::uint8_t[]>(capacity)) {
  if (capacity < alignment || (capacity & (capacity - 1)) != 0) throw std::invalid_argument("capacity of a frame ring");
}

void FrameRing::put_length(std::uint32_t position, std::uint32_t length) {
  std::memcpy(&memory_[position & (capacity_ - 1)], &length, prefix);
}

bool FrameRing::has_room(std::uint32_t longest) const {
  const std::uint32_t size = record_size(longest), end = to_the_end(head_.load());
  return room() >= (size <= end ? size : end + size);
}

std::span<std::uint8_t> FrameRing::reserve(std::uint32_t longest) {
  if (longest > capacity_ || !has_room(longest)) return {};
  std::uint32_t head = head_.load();
  if (const std::uint32_t end = to_the_end(head); record_size(longest) > end) {
    put_length(head, skip);
    head_.store(head + end);
    head += end;
  }
  return {&memory_[(head & (capacity_ - 1)) + prefix], longest};
}

void FrameRing::commit(std::uint32_t length) {
  const std::uint32_t head = head_.load();
  put_length(head, length);
  head_.store(head + record_size(length));
}

std::span<std::uint8_t> FrameRing::front() {
  while (!is_empty()) {
    const std::uint32_t tail = tail_.load();
    std::uint8_t* const at = &memory_[tail & (capacity_ - 1)];
    std::uint32_t length;
    std::memcpy(&length, at, prefix);
    if (length != skip) return {at + prefix, length};
    release(to_the_end(tail));
  }
  return {};
}

void FrameRing::pop() {
  if (const auto record = front(); record.data()) release(record_size(static_cast<std::uint32_t>(record.size())));
}

}  // namespace tsbhyve::net
