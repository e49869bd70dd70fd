// SPDX-License-Identifier: BSD-2-Clause
import type { Entry } from '../../../scripts/quickstart/cpio.js';
import type { DebianPackages } from '../../../scripts/quickstart/debian-packages.js';
import { programFiles } from './program-files.js';

const PACKAGES = [
  ...['socat', 'libc6', 'libssl3', 'libwrap0', 'libnsl2', 'libtirpc3', 'libgssapi-krb5-2', 'libkrb5-3'],
  ...['libk5crypto3', 'libkrb5support0', 'libcom-err2', 'libkeyutils1'],
];

/** Debian's socat with the libraries that it needs. */
export function socatFiles(packages: DebianPackages): Promise<Entry[]> {
  return programFiles(packages, PACKAGES, 'socat', ['socat1', 'socat']);
}
