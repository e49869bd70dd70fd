// SPDX-License-Identifier: BSD-2-Clause
// A full RAM file mapped privately over a machine's memory: pages come from the file when they are first touched, and
// what the guest writes never reaches it.
#pragma once

#include <memory>
#include <vector>

#include "snapshot/fault_guard.h"
#include "snapshot/file.h"
#include "snapshot/ram_image.h"

namespace tsbhyve::snapshot {

class MappedRam {
 public:
  /// Replaces the contents of `ram`. The mappings belong to `ram`; this must go before they do.
  MappedRam(const GuestRam& ram, File file);

  /// True once the file was truncated under the machine.
  bool lost() const;

 private:
  File file_;  // keeps the lock that came with it
  std::vector<std::unique_ptr<FaultGuard>> guards_;
};

}  // namespace tsbhyve::snapshot
