// SPDX-License-Identifier: BSD-2-Clause
#include "soft/perf_map.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "engine/engine.h"

namespace tsbhyve::soft {

PerfMap::PerfMap(const std::string& path) {
  unlink(path.c_str());
  // Others may write in that folder too: nothing of theirs is followed or taken over.
  file_ = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file_ < 0) throw EngineError{errno, "open", path};
}

PerfMap::~PerfMap() { close(file_); }

void PerfMap::add(const u8* code, u64 size, u64 rip) const {
  char line[80];
  const int length =
      std::snprintf(line, sizeof line, "%llx %llx guest_%llx\n", reinterpret_cast<unsigned long long>(code),
                    static_cast<unsigned long long>(size), static_cast<unsigned long long>(rip));
  if (write(file_, line, static_cast<size_t>(length)) < 0) return;
}

}  // namespace tsbhyve::soft
