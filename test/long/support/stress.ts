// SPDX-License-Identifier: BSD-2-Clause
import type { Entry } from '../../../scripts/quickstart/cpio.js';
import type { DebianPackages } from '../../../scripts/quickstart/debian-packages.js';
import { programFiles } from './program-files.js';

const PACKAGES = [
  ...['stress-ng', 'libc6', 'libapparmor1', 'libbsd0', 'libmd0', 'libcrypt1', 'libegl1', 'libglvnd0', 'libgbm1'],
  ...['libdrm2', 'libexpat1', 'libwayland-server0', 'libffi8', 'libgles2', 'libipsec-mb1', 'libjpeg62-turbo'],
  ...['libjudydebian1', 'libkmod2', 'liblzma5', 'libzstd1', 'libssl3', 'libsctp1', 'libxxhash0', 'zlib1g'],
  ...['libstdc++6', 'libgcc-s1'],
];

/** Debian's stress-ng with the libraries that it needs. */
export function stressFiles(packages: DebianPackages): Promise<Entry[]> {
  return programFiles(packages, PACKAGES, 'stress-ng');
}
