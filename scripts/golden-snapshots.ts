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
import { endsOf, GOLDEN_GUESTS, type GoldenGuest, makeGolden, packed } from '../test/support/golden-snapshots.js';

function keep(guest: GoldenGuest): void {
  const path = join(packageRoot(), `test/golden-snapshots/format-${FORMAT_VERSION}${guest.suffix}`);
  if (existsSync(`${path}.gz`)) return;
  const folder = mkdtempSync(join(tmpdir(), 'tsbhyve-golden-'));
  try {
    makeGolden(guest, folder);
    const bytes = packed(folder);
    const ends = endsOf(guest, folder);
    writeFileSync(`${path}.gz`, bytes);
    writeFileSync(`${path}.json`, `${JSON.stringify(ends, null, 2)}\n`);
    console.log(`wrote ${path}.gz, ${bytes.length} bytes`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

GOLDEN_GUESTS.forEach(keep);
