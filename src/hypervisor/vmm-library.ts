// SPDX-License-Identifier: BSD-2-Clause
import { loadAddon, type VmmProbe } from './addon.js';

/** For tests: a libvmmapi that stands in for FreeBSD's. */
const PATH_VARIABLE = 'TSBHYVE_VMMAPI';

/** Path of the library that engine vmm uses; empty for the system's. */
export function vmmLibrary(): string {
  return process.env[PATH_VARIABLE] ?? '';
}

/** Whether a VM can be made here, found out by making one. */
export function probeVmm(): VmmProbe {
  return loadAddon().vmmProbe(vmmLibrary());
}
