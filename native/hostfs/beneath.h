// SPDX-License-Identifier: BSD-2-Clause
// Finds what lies below a folder, and nothing else. A path here is names with single slashes between them; `..`, `.`
// and empty names are refused, and no symbolic link is followed, so there is no way out whatever others do meanwhile.
#pragma once

#include <string>

#include "hostfs/fd.h"

namespace tsbhyve::hostfs {

enum class Resolver {
  Kernel,  // openat2(2), Linux
  Walk,    // a component at a time
};

/// What this host has.
Resolver best_resolver();

/// The folder at `path` ("" is the root itself), to be used with the *at calls; or no Fd, and errno.
Fd open_folder(int root, const std::string& path, Resolver resolver = best_resolver());

/// The folder that holds something, and its name there. The root is in no folder: EBUSY.
class Place {
 public:
  Place(int root, const std::string& path, Resolver resolver = best_resolver());

  explicit operator bool() const { return static_cast<bool>(folder_); }
  [[nodiscard]] int folder() const { return folder_.get(); }
  [[nodiscard]] const char* name() const { return name_.c_str(); }

 private:
  Fd folder_;
  std::string name_;
};

/// False with errno if `path` is not of the form above.
bool is_path(const std::string& path);

}  // namespace tsbhyve::hostfs
