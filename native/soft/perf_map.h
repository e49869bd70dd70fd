// SPDX-License-Identifier: BSD-2-Clause
// Names for host code that no file holds, in the form that perf(1) looks for at /tmp/perf-PID.map: a line for each
// piece of code, with its address, its size and a name (Linux, tools/perf/Documentation/jit-interface.txt).
#pragma once

#include <string>

#include "soft/types.h"

namespace tsbhyve::soft {

class PerfMap {
 public:
  /// Makes the file, in place of one that an earlier process with this id has left. Throws EngineError.
  explicit PerfMap(const std::string& path);
  ~PerfMap();
  PerfMap(const PerfMap&) = delete;
  PerfMap& operator=(const PerfMap&) = delete;

  /// Host code of what a guest has at `rip`. Any thread; a full disk loses names and nothing else.
  void add(const u8* code, u64 size, u64 rip) const;

 private:
  int file_;
};

}  // namespace tsbhyve::soft
