// SPDX-License-Identifier: BSD-2-Clause
/**
 * `npm run golden`: keeps snapshots of the present format in test/golden-snapshots, with where the machines that go on from
 * them arrive. What is there is never written again.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/hypervisor/package-root.js';
import { FORMAT_VERSION } from '../src/snapshot/manifest.js';
import { endsOf, makeGolden, packed } from '../test/support/golden-snapshots.js';

const path = join(packageRoot(), `test/golden-snapshots/format-${FORMAT_VERSION}`);
if (!existsSync(`${path}.gz`)) {
  const folder = mkdtempSync(join(tmpdir(), 'tsbhyve-golden-'));
  try {
    makeGolden(folder);
    const bytes = packed(folder);
    const ends = endsOf(folder);
    writeFileSync(`${path}.gz`, bytes);
    writeFileSync(`${path}.json`, `${JSON.stringify(ends, null, 2)}\n`);
    console.log(`wrote ${path}.gz, ${bytes.length} bytes`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
