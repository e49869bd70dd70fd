// SPDX-License-Identifier: BSD-2-Clause
// XXH3-128 over stored pages in page order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace tsbhyve::snapshot {

using DigestBytes = std::array<std::uint8_t, 16>;

class Digest {
 public:
  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void update(const std::uint8_t* bytes, std::size_t length);
  /// Big-endian, as the library prints it.
  DigestBytes finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tsbhyve::snapshot
