// SPDX-License-Identifier: BSD-2-Clause
/** The image in the user's cache: made once, whole or not at all. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Guest } from '../quickstart/guest.js';
import { QuickstartError, type Step } from '../quickstart/tools.js';
import { buildImage } from './build-image.js';
import { COMMANDS, imageFiles, LABEL, LINKS, packages } from './contents.js';
import { OWN_DISK, replaceImage } from './replace-image.js';

export interface DebianImage extends Guest {
  readonly folder: string;
  /** The disk as it was made; nobody writes to it. */
  readonly disk: string;
  /** Private key that root's login accepts, and the file in which ssh finds the key of the machine. */
  readonly loginKey: string;
  readonly knownHosts: string;
}

export interface ImageOptions {
  readonly fresh?: boolean;
  /** Hears where the disk is that somebody's guest has written to, when a fresh image takes its place. */
  readonly say?: (line: string) => unknown;
}

export const APPEND = `console=ttyS0 root=LABEL=${LABEL} panic=-1`;

/** Another recipe makes another image. */
export const RECIPE = createHash('sha256')
  .update(
    JSON.stringify([
      packages,
      COMMANDS,
      LINKS,
      imageFiles({ hostKey: '', hostPublicKey: '', loginPublicKey: '', machineId: '' }),
    ]),
  )
  .digest('hex');

export function imageFolder(cache: string): string {
  return join(cache, 'debian-image');
}

export function imageAt(folder: string): DebianImage {
  const file = (name: string): string => join(folder, name);
  return {
    folder,
    disk: file('root.img'),
    kernel: file('vmlinuz'),
    initrd: file('initrd.img'),
    loginKey: file('login_key'),
    knownHosts: file('known_hosts'),
  };
}

export async function imageIn(
  cache: string,
  step: Step,
  { fresh = false, say }: ImageOptions = {},
): Promise<DebianImage> {
  const folder = imageFolder(cache);
  if (existsSync(folder) && !fresh) return madeByUs(folder);
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'work-'));
  try {
    const made = join(work, 'files');
    mkdirSync(made);
    await buildImage(work, imageAt(made), step);
    writeFileSync(join(made, 'recipe'), RECIPE);
    const kept = replaceImage(folder, made, join(work, 'old'));
    if (kept !== null)
      say?.(`${join(kept, OWN_DISK)}: what was ${join(folder, OWN_DISK)}, with the kernel and keys it has`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return imageAt(folder);
}

function madeByUs(folder: string): DebianImage {
  const recipe = join(folder, 'recipe');
  if (existsSync(recipe) && readFileSync(recipe, 'latin1') === RECIPE) return imageAt(folder);
  throw new QuickstartError(
    `${folder} was made by another version of this program: npm run debian-image -- --fresh makes it anew`,
  );
}
