// SPDX-License-Identifier: BSD-2-Clause
// A set of pages, one bit each: the form in which TypeScript and the index of a snapshot hold it.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace tsbhyve::snapshot {

class PageSet {
 public:
  explicit PageSet(std::uint64_t pages) : bytes_((pages + 7) / 8) {}
  explicit PageSet(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}

  bool has(std::uint64_t page) const { return (bytes_[page / 8] & (1u << (page % 8))) != 0; }
  void add(std::uint64_t page) { bytes_[page / 8] |= static_cast<std::uint8_t>(1u << (page % 8)); }
  void add(const PageSet& others) {
    for (std::size_t at = 0; at < bytes_.size(); at++) bytes_[at] |= others.bytes_[at];
  }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

  std::uint64_t count() const {
    std::uint64_t total = 0;
    for (const std::uint8_t byte : bytes_) total += static_cast<unsigned>(std::popcount(byte));
    return total;
  }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace tsbhyve::snapshot
