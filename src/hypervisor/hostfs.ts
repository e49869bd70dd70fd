// SPDX-License-Identifier: BSD-2-Clause
import { type AddonHostfs, loadAddon } from './addon.js';

/** The native layer's calls on files below a folder. */
export function nativeHostfs(): AddonHostfs {
  return loadAddon().hostfs;
}
