// SPDX-License-Identifier: BSD-2-Clause
// Compiled for each of the two libraries.
#include "vmctx.h"

const bool imitation::kernel_saves = KERNEL_SAVES;
