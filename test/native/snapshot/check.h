// SPDX-License-Identifier: BSD-2-Clause
// What the tests of this folder share: jobs, and files without a name.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "../check.h"
#include "snapshot/ram_jobs.h"

namespace test {

/// The descriptor of an empty file that goes with it.
inline int temporary_fd() {
  char path[] = "/tmp/tsbhyve-test-XXXXXX";
  const int fd = mkstemp(path);
  if (fd < 0) std::abort();
  unlink(path);
  return fd;
}

/// The code of a job's failure; empty if it had none.
inline std::string run(tsbhyve::snapshot::Job& job) {
  job.start();
  while (!job.wait(1000)) continue;
  return job.failure() ? job.failure()->code : "";
}

inline std::string run_cancelled(tsbhyve::snapshot::Job& job) {
  job.cancel();
  return run(job);
}

}  // namespace test
