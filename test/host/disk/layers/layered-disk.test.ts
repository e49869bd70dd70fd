// SPDX-License-Identifier: BSD-2-Clause
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { action, Life } from './support/life.js';
import { remove, temporaryImage } from './support/subject.js';

const RUNS = 15;
const ENVIRONMENT = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

/** A file system that shares blocks, in a file; the reason if none can be had. */
function sharingFolder(): { folder: string; release: () => void } | string {
  const folder = mkdtempSync(join(tmpdir(), 'sharing-'));
  const image = join(folder, 'fs');
  const mounted = join(folder, 'mnt');
  try {
    writeFileSync(image, '');
    truncateSync(image, 512 * 1024 * 1024);
    mkdirSync(mounted);
    const options = { env: ENVIRONMENT, stdio: 'pipe' } as const;
    execFileSync('mkfs.xfs', ['-q', '-m', 'reflink=1', image], options);
    execFileSync('mount', ['-o', 'loop', image, mounted], options);
  } catch (error) {
    rmSync(folder, { recursive: true });
    return `no file system with shared blocks can be mounted here: ${String(error)}`.split('\n')[0] ?? '';
  }
  return {
    folder: mounted,
    release: () => {
      execFileSync('umount', ['-l', mounted], { env: ENVIRONMENT });
      rmSync(folder, { recursive: true });
    },
  };
}

function lives(parent: string): void {
  fc.assert(
    fc.property(fc.array(action, { minLength: 5, maxLength: 60 }), (actions) => {
      const { folder, path } = temporaryImage(parent);
      try {
        new Life(path).run(actions);
      } finally {
        remove(folder);
      }
    }),
    { numRuns: RUNS },
  );
}

test('every state that is kept is what it was, in whatever order things happen', () => lives(tmpdir()));

const sharing = sharingFolder();
if (typeof sharing === 'string') {
  test.skip(`the same with shared blocks (${sharing})`, () => {});
} else {
  afterAll(sharing.release);
  test('the same with shared blocks', () => lives(sharing.folder));
}
