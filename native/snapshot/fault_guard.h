// SPDX-License-Identifier: BSD-2-Clause
// A file that is truncated while it is mapped raises SIGBUS at the next access. Inside a guarded range that becomes a
// zero page and a mark that the machine polls; anywhere else the handler that was there before decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace tsbhyve::snapshot {

class FaultGuard {
 public:
  FaultGuard(void* begin, std::size_t bytes);
  ~FaultGuard();
  FaultGuard(const FaultGuard&) = delete;
  FaultGuard& operator=(const FaultGuard&) = delete;

  /// True once a page of the range was lost.
  bool hit() const;

 private:
  std::size_t slot_;
};

}  // namespace tsbhyve::snapshot
