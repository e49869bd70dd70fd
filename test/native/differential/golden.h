// SPDX-License-Identifier: BSD-2-Clause
// Results of a host that is one, for hosts that are none: the code of each batch and a digest of what it did.
#pragma once

#include "session.h"

namespace tsbhyve::differential {

/// Both return false after printing why.
bool record(Session& session, const std::string& path, u64 seed, u32 batches);
bool replay(Session& session, const std::string& path);

}  // namespace tsbhyve::differential
