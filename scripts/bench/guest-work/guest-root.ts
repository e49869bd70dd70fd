// SPDX-License-Identifier: BSD-2-Clause
/**
 * The programs that do the work: Debian's packages, unpacked and nothing more, in the user's cache. The host runs them in
 * there, guests have all of it as their initramfs (docs/decisions/0025-guest-work.md).
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/hypervisor/package-root.js';
import { debianSources } from '../../debian-image/debian-sources.js';
import { runShowing } from '../../debian-image/run-showing.js';
import { cpioParts } from '../../quickstart/cpio.js';
import { run, type Step } from '../../quickstart/tools.js';
import { treeEntries } from '../../quickstart/tree-entries.js';
import { BenchError } from '../bench-error.js';

const PACKAGES = [
  'bash dash coreutils util-linux mount sed grep findutils libc-bin',
  'openssl gzip xz-utils python3 sqlite3 sysbench',
  'gcc libc6-dev libstb-dev',
];
/** What packages do not bring. */
const FOLDERS = ['dev', 'proc', 'sys', 'tmp', 'root', 'bench'];
/** Half of the packages' bytes, and nobody reads them. */
const LEFT_OUT = [
  './dev/*',
  ...['doc', 'info', 'locale', 'man'].map((name) => `./usr/share/${name}`),
  ...['*/lto1', '*lto-dump*', '*/lib?san.so*', '*/lib??san.so*', '*/lib*san*.a', '*/libc.a', '*/libm-*.a'],
];

const RECIPE = createHash('sha256')
  .update(JSON.stringify([PACKAGES, FOLDERS, LEFT_OUT]))
  .digest('hex');

/** Scripts and sources, as they are in the checkout. */
const FILES = join(packageRoot(), 'scripts/bench/guest-work/guest');

function rootIn(cache: string): string {
  return join(cache, 'bench-guest');
}

export function hasRoot(cache: string): boolean {
  return existsSync(rootIn(cache));
}

export async function makeRoot(cache: string, step: Step): Promise<string> {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'work-'));
  try {
    const sources = await debianSources(work, step);
    const archive = join(work, 'root.tar');
    const tree = join(work, 'files/tree');
    const include = PACKAGES.join(' ').replaceAll(' ', ',');
    const options = ['--variant=extract', '--verbose', `--include=${include}`];
    await step('unpacking the programs', async () => {
      const aptOptions = sources.aptOptions.map((option) => `--aptopt=${option}`);
      await runShowing('mmdebstrap', [...options, ...aptOptions, sources.release, archive, ...sources.lines], () => {});
      mkdirSync(tree, { recursive: true });
      const leftOut = LEFT_OUT.map((path) => `--exclude=${path}`);
      await run('tar', ['-x', '--no-same-owner', ...leftOut, '-f', archive, '-C', tree]);
      for (const folder of FOLDERS) mkdirSync(join(tree, folder), { recursive: true });
      await run('/sbin/ldconfig', ['-r', tree]);
    });
    writeFileSync(join(work, 'files/recipe'), RECIPE);
    if (hasRoot(cache)) renameSync(rootIn(cache), join(work, 'old'));
    renameSync(join(work, 'files'), rootIn(cache));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return rootIn(cache);
}

/** The folder to run the work in, with the scripts of this checkout. */
export function workRoot(cache: string): string {
  const folder = rootIn(cache);
  const remedy = 'npm run bench -- --make-guest makes it';
  if (!existsSync(join(folder, 'recipe'))) throw new BenchError(`no programs for guests in ${folder}: ${remedy}`);
  if (readFileSync(join(folder, 'recipe'), 'latin1') !== RECIPE) {
    throw new BenchError(`${folder} was made by another version of this program: ${remedy} anew`);
  }
  const tree = join(folder, 'tree');
  cpSync(FILES, join(tree, 'bench'), { recursive: true });
  return tree;
}

/** The same as an initramfs; answers its path. */
export function workInitrd(tree: string, folder: string): string {
  const path = join(folder, 'guest-work.cpio');
  const file = openSync(path, 'w');
  try {
    for (const part of cpioParts(initramfsEntries(tree))) writeSync(file, part);
  } finally {
    closeSync(file);
  }
  return path;
}

function* initramfsEntries(tree: string): ReturnType<typeof treeEntries> {
  yield* treeEntries(tree);
  // The kernel opens this for the first process, before devtmpfs is there.
  yield { kind: 'character-device', name: 'dev/console', major: 5, minor: 1 };
  yield { kind: 'link', name: 'init', target: 'bench/init' };
}
