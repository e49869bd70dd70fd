// SPDX-License-Identifier: BSD-2-Clause
import { copyFileSync, openSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { FrozenPoint } from '../../../../src/host/disk/layers/api.js';
import { identityOf } from '../../../../src/host/disk/layers/identity.js';
import { withFile } from '../../../../src/host/durable-files.js';
import { DISK, OpenSubject, pattern, remove, temporaryImage } from './support/subject.js';

/** As a freeze makes it where the file system shares blocks. */
function pinnedCopy(folder: string, path: string): FrozenPoint {
  const subject = new OpenSubject(path);
  subject.disk.prepare()?.discard(); // makes the folder
  const file = `base-${'a'.repeat(32)}`;
  const copy = join(`${path}.tsbhyve`, file);
  copyFileSync(path, copy);
  const point = { base: { file, identity: withFile(openSync(copy, 'r'), identityOf) }, layers: [] };
  subject.disk.pin({ id: '1'.repeat(32), path: join(folder, 'one') }, point);
  subject.close();
  return point;
}

test('a point has the size of its own base, whatever has become of the image', () => {
  const { folder, path } = temporaryImage();
  try {
    const point = pinnedCopy(folder, path);
    truncateSync(path, 2 * DISK);
    const subject = new OpenSubject(path, { at: point });
    expect(subject.disk.capacity).toBe(DISK);
    expect(subject.content()).toEqual(pattern(DISK, 1));
    subject.drop();
  } finally {
    remove(folder);
  }
});
