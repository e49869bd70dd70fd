// SPDX-License-Identifier: BSD-2-Clause
/** Two processes clear up one store at the same time. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as RamFiles from '../../src/hypervisor/ram-files.js';
import { BaseCache } from '../../src/snapshot/base-cache.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** Something that happens just before a lock is taken. */
let meanwhile = (): void => {};
jest.mock('../../src/hypervisor/ram-files.js', () => {
  const real = jest.requireActual<typeof RamFiles>('../../src/hypervisor/ram-files.js');
  const lockFile: typeof real.lockFile = (fd, kind) => {
    meanwhile();
    return real.lockFile(fd, kind);
  };
  return { ...real, lockFile };
});

const DIGEST = '0'.repeat(64);

function orphan(): { root: string; folder: string } {
  const root = temporaryFolder();
  const folder = join(root, `.base-${DIGEST}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'ram'), '');
  return { root, folder };
}

test('a base that another process removes at the same moment is removed', () => {
  const { root, folder } = orphan();
  meanwhile = () => rmSync(folder, { recursive: true });
  expect(new BaseCache(root).remove(DIGEST)).toBe(true);
});

test('a base that cannot be looked at is no base that is removed', () => {
  const { root, folder } = orphan();
  meanwhile = () => {
    throw new Error('no locks');
  };
  expect(() => new BaseCache(root).remove(DIGEST)).toThrow('no locks');
  rmSync(folder, { recursive: true });
});
