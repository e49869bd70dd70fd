// SPDX-License-Identifier: BSD-2-Clause
// A folder's entries, in the form in which 9P2000.L gives them to a guest (Treaddir): qid, offset, type, name.
#pragma once

#include <cstdint>
#include <vector>

namespace tsbhyve::hostfs {

/// 0 or an error. The order does not depend on the host: an entry's offset follows from its name, so that a reader who
/// comes back later, even after a restore, goes on where it was although entries have come and gone.
int list_folder(int root, int folder, bool is_root, std::vector<std::uint8_t>& entries);

/// Where an entry stands.
std::uint64_t entry_offset(const char* name);

}  // namespace tsbhyve::hostfs
