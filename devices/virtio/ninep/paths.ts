// SPDX-License-Identifier: BSD-2-Clause
/** Paths below a shared folder: names with single slashes between them, '' for the folder itself. */
import { refuse } from './ninep-error.js';

/** Linux takes paths of up to 4096 bytes, with a zero behind. */
export const LONGEST_PATH = 4095;
const LONGEST_NAME = 255;

/** A name that a guest gives to something new, or takes it from. */
function checkedName(name: string): string {
  if (!isName(name)) refuse('EINVAL');
  if (name.length > LONGEST_NAME) refuse('ENAMETOOLONG');
  return name;
}

export function isPath(path: string): boolean {
  return path.length <= LONGEST_PATH && (path === '' || path.split('/').every(isName));
}

export function childOf(folder: string, name: string): string {
  const path = folder === '' ? checkedName(name) : `${folder}/${checkedName(name)}`;
  if (path.length > LONGEST_PATH) refuse('ENAMETOOLONG');
  return path;
}

/** The root's parent is the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

/** Where `path` is after a rename; null if that does not concern it. */
export function movedPath(path: string, from: string, to: string): string | null {
  if (path === from) return to;
  return path[from.length] === '/' && path.startsWith(from) ? to + path.slice(from.length) : null;
}

function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}
