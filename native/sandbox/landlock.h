// SPDX-License-Identifier: BSD-2-Clause
// Which files a process may still open by their names (landlock(7)). What it has open stays open.
#pragma once

#include <string>
#include <vector>

namespace tsbhyve::sandbox {

enum class Access {
  Read,     // what is there, in folders all below
  Write,    // and change, make and remove it; no device nodes
  Sockets,  // make and remove sockets, directly in a folder or below
  Folders,  // make, rename and remove folders below, empty ones
};

struct PathRule {
  std::string path;  // one that does not exist is left out
  Access access;
};

/// Of the kernel: 0 without Landlock.
int landlock_version();

/// Binds every thread of this process to the rules, for ever, with no_new_privs. 0 or an errno; `network` false forbids
/// TCP too, where the kernel can.
int restrict_paths(const std::vector<PathRule>& rules, bool network);

}  // namespace tsbhyve::sandbox
