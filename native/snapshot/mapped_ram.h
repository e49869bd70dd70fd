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
  MappedRam(GuestRam& ram, File file);

  /// What has become of the file while the machine ran from it.
  enum class Damage { None, Truncated, Changed };
  Damage damage() const;

 private:
  File file_;  // keeps the lock that came with it
  std::uint64_t bytes_, changed_at_;
  std::vector<std::unique_ptr<FaultGuard>> guards_;
};

}  // namespace tsbhyve::snapshot
