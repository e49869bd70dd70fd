// SPDX-License-Identifier: BSD-2-Clause
/** Whether the files of a frozen point are what they were: by their identity at once, by their digests when asked for. */
import { statSync } from 'node:fs';
import { hexText } from '../../../core/json-fields.js';
import { StateShape } from '../../../core/state-shape.js';
import { digestFile } from '../../../hypervisor/layer-jobs.js';
import { withFile } from '../../durable-files.js';
import type { DiskFollowing, FrozenFile, FrozenPoint } from './api.js';
import type { LayerFolder } from './folder.js';
import { difference, fileIdentity, filesOf, IMAGE, identityOf } from './identity.js';
import { openShared } from './open-files.js';
import { encodeSealed, readSealed } from './sealed.js';

const POLL_MS = 50;

const digestShape = new StateShape('disk-digest', 1, { identity: fileIdentity, xxh3: hexText(16) });

/** One line with its remedy for each file. */
export function pointProblems(folder: LayerFolder, point: FrozenPoint): string[] {
  return filesOf(point).flatMap((file) => problemOf(folder, file) ?? []);
}

function problemOf(folder: LayerFolder, { file, identity }: FrozenFile): string | null {
  const path = folder.path(file);
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return `${path} is not there: put it back`;
  const changed = difference(identityOf(found), identity);
  if (changed === null) return null;
  return `${path} was changed after it was frozen: ${changed}: if that was meant: tsbhyve disk rebase --accept ${folder.image}`;
}

/** Throws at the first file that is not what it was. A digest that nobody has taken yet is taken. */
export function verifyPoint(folder: LayerFolder, point: FrozenPoint, following: DiskFollowing): void {
  const [problem] = pointProblems(folder, point);
  if (problem !== undefined) throw folder.error(problem);
  const total = filesOf(point).reduce((bytes, { identity }) => bytes + identity.bytes, 0);
  let before = 0;
  for (const file of filesOf(point)) {
    verifyFile(folder, file, following, (done) => following.onProgress?.(before + done, total));
    before += file.identity.bytes;
  }
}

function verifyFile(
  folder: LayerFolder,
  { file, identity }: FrozenFile,
  following: DiskFollowing,
  onProgress: (done: number) => void,
): void {
  const path = folder.path(`digest-${file}`);
  const xxh3 = digestOf(folder, file, following, onProgress);
  const known = readSealed(digestShape, path);
  if (known === null || difference(known.identity, identity) !== null) {
    folder.exclusively(() => folder.replace(path, encodeSealed(digestShape, { identity, xxh3 })));
  } else if (known.xxh3 !== xxh3) {
    const what = file === IMAGE ? folder.image : folder.path(file);
    throw folder.error(`${what} does not match its digest: it is damaged`);
  }
}

function digestOf(
  folder: LayerFolder,
  file: string,
  following: DiskFollowing,
  onProgress: (done: number) => void,
): string {
  return withFile(openShared(folder, file), (fd) => {
    const job = digestFile(fd);
    while (!job.wait(POLL_MS)) {
      if (following.isCancelled?.() === true) job.cancel();
      onProgress(job.done());
    }
    return Buffer.from(job.result()).toString('hex');
  });
}
