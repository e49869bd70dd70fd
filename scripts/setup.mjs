// SPDX-License-Identifier: BSD-2-Clause
/**
 * Makes a checkout ready: `node scripts/setup.mjs` for running, with `--tests` also for tests and checks.
 * It needs nothing but Node, and does nothing that is already done.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative, buildTypeScript, installNodePackages } from './setup/build.mjs';
import { SetupError } from './setup/progress.mjs';
import { installSystemPackages } from './setup/system-packages.mjs';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

export async function setUp({ tests = false, image = false } = {}) {
  requireNode();
  await installSystemPackages({ tests, image });
  await installNodePackages(ROOT);
  await buildTypeScript(ROOT);
  await buildNative(ROOT);
}

/** Shows an expected failure as one message; anything else keeps its stack. */
export async function mainOf(work) {
  try {
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    const expected = error instanceof SetupError || error?.expected === true;
    process.stderr.write(`${expected ? error.message : (error?.stack ?? error)}\n`);
    process.exitCode = 1;
  }
}

function requireNode() {
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).engines.node.replace('>=', '');
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  throw new SetupError(`Node ${process.versions.node} is too old; ${wanted} or newer is needed`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await mainOf(() => setUp({ tests: process.argv.includes('--tests') }));
}
