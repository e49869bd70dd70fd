// SPDX-License-Identifier: BSD-2-Clause
/** For tests: a libvmmapi that stands in for FreeBSD's. */
const PATH_VARIABLE = 'TSBHYVE_VMMAPI';

/** Path of the library that engine vmm uses; empty for the system's. */
export function vmmLibrary(): string {
  return process.env[PATH_VARIABLE] ?? '';
}
