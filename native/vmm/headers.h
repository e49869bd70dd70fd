// SPDX-License-Identifier: BSD-2-Clause
// libvmmapi's headers: the host's own on FreeBSD, in the order in which they compile; elsewhere those of
// native/vmm/abi.
#pragma once

extern "C" {
#ifdef __FreeBSD__
// clang-format off
#include <sys/param.h>
#include <sys/cpuset.h>
#include <machine/specialreg.h>
#include <machine/vmm.h>
#include <machine/vmm_dev.h>
#include <machine/vmm_snapshot.h>
#include <vmmapi.h>
// clang-format on
#else
#include "vmmapi.h"
#endif
}
