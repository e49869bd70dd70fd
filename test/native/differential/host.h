// SPDX-License-Identifier: BSD-2-Clause
// The CPU this program runs on, as the oracle.
#pragma once

#include "state.h"

namespace tsbhyve::differential {

/// Whether this host can be the oracle: x86-64 Linux with FSGSBASE.
bool host_available();

/// Maps the windows, loads the LDT and takes over the signals of faults. Exits with a message where the kernel refuses.
void host_start();

/// Puts the code where it runs, and its way back behind it; sets the whole window.
void host_load(const Case& test, const WindowImage& image);

/// The result's vector is `ran_on` when the case was stopped after a second or more.
void host_run(const Case& test, const WindowImage& image, Result& result);

const u8* host_window();
void host_reset_window(const WindowImage& image);

}  // namespace tsbhyve::differential
