// SPDX-License-Identifier: BSD-2-Clause
import { loadAddon } from './addon.js';
import type { FolderCalls } from './folder-calls.js';

/** The native layer's calls on files below a folder. */
export function nativeHostfs(): FolderCalls {
  return loadAddon().hostfs;
}
