// SPDX-License-Identifier: BSD-2-Clause
/**
 * Makes few files of the many that the programs are made of: Node takes about half a millisecond for each module, and a
 * resumed guest waits for that. `dist/src` stays as it is, for tests and for the library.
 */
import { chmodSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const BUNDLE = 'dist/bundle';
const PROGRAMS = { tsbhyve: 'src/cli/main.ts', tsbhyvectl: 'src/cli/ctl/main.ts' };
const WORKER = 'machine-worker';

/** What bundled CommonJS modules, such as commander's, call for. */
const REQUIRE =
  "import { createRequire as requireHere } from 'node:module'; const require = requireHere(import.meta.url);";

export async function bundle(root = ROOT) {
  const options = {
    absWorkingDir: root,
    outdir: BUNDLE,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['koffi', 'fastify'],
    banner: { js: REQUIRE },
    define: { BUNDLED_WORKER: JSON.stringify(join(BUNDLE, `${WORKER}.js`)) },
    logLevel: 'warning',
  };
  rmSync(join(root, BUNDLE), { recursive: true, force: true });
  // What a program imports when it needs it stays a file of its own.
  await build({ ...options, entryPoints: PROGRAMS, splitting: true });
  await build({ ...options, entryPoints: { [WORKER]: 'src/machine/machine-worker.ts' } });
  const made = Object.keys(PROGRAMS).map((name) => join(BUNDLE, `${name}.js`));
  const compiled = Object.values(PROGRAMS).map((file) => join('dist', file.replace(/ts$/, 'js')));
  for (const program of [...made, ...compiled]) chmodSync(join(root, program), 0o755);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
