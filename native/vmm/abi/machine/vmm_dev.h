/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of FreeBSD's <machine/vmm_dev.h> (14 and 15) that this program uses. See vmm.h beside it. */
#pragma once

#include <stddef.h>

#include "machine/vmm.h"

struct vm_run {
  int cpuid;
  void* cpuset;
  size_t cpusetsize;
  struct vm_exit* vm_exit;
};
