// SPDX-License-Identifier: BSD-2-Clause
/** A new image takes the place of an old one. What people's guests have written to their copy is not the image's to remove. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** The copy that people boot; the layers of its snapshots lie beside it. */
export const OWN_DISK = 'disk.img';

/**
 * `made` becomes `folder`. Answers where the old image is now if somebody has booted it: with the kernel and the keys that
 * belong to its disk, and without the original, which is the image's own. Else the old image goes to `gone`.
 */
export function replaceImage(folder: string, made: string, gone: string): string | null {
  const isUsed = existsSync(join(folder, OWN_DISK));
  const kept = isUsed ? freeName(`${folder}-old`) : null;
  if (existsSync(folder)) renameSync(folder, kept ?? gone);
  renameSync(made, folder);
  if (kept !== null) rmSync(join(kept, 'root.img'), { force: true });
  return kept;
}

function freeName(wanted: string): string {
  let name = wanted;
  for (let count = 2; existsSync(name); count += 1) name = `${wanted}-${count}`;
  return name;
}
