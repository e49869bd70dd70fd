// SPDX-License-Identifier: BSD-2-Clause
/** ext4 images for guests, made and checked by the host's tools. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PciDeviceConfig } from '../../../src/machine/config.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const IMAGE_SIZE = 48 * 1024 * 1024;
const DATA_SIZE = 3 * 1024 * 1024 + 5;
const ENVIRONMENT = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

export interface DiskImage {
  readonly path: string;
  /** MD5 of the file `data` in it. */
  readonly digest: string;
}

/** An image with the files `hello` and `data`, in a folder of its own. */
export function diskImage(): DiskImage {
  const folder = temporaryFolder('disk');
  const files = join(folder, 'files');
  const path = join(folder, 'disk.img');
  const data = Buffer.from(Uint32Array.from({ length: DATA_SIZE / 4 + 1 }, (_, index) => index * 2_654_435_761).buffer);
  mkdirSync(files);
  writeFileSync(join(files, 'hello'), 'hello from the host\n');
  writeFileSync(join(files, 'data'), data.subarray(0, DATA_SIZE));
  writeFileSync(path, '');
  truncateSync(path, IMAGE_SIZE);
  execFileSync('mkfs.ext4', ['-q', '-b', '4096', '-U', '12345678-1234-1234-1234-123456789abc', '-d', files, path], {
    env: ENVIRONMENT,
  });
  return { path, digest: md5(data.subarray(0, DATA_SIZE)) };
}

/** Throws what e2fsck says about a file system that is not clean. */
export function checkFileSystem(path: string): void {
  execFileSync('fsck.ext4', ['-f', '-n', path], { env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What the next mount does: replays the journal and puts away what was half removed. Then nothing may be wrong. */
export function checkCrashedFileSystem(path: string): void {
  const { status, stdout, stderr } = spawnSync('fsck.ext4', ['-p', path], { env: ENVIRONMENT, encoding: 'utf8' });
  // e2fsck(8): 1 is "errors corrected", which a replayed journal counts as.
  if (status !== 0 && status !== 1) throw new Error(`fsck.ext4 -p ended with status ${status}: ${stdout}${stderr}`);
  checkFileSystem(path);
}

/** A file as the host finds it in the image. */
export function fileInImage(path: string, file: string): Buffer {
  return execFileSync('debugfs', ['-R', `cat ${file}`, path], {
    env: ENVIRONMENT,
    maxBuffer: 16 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** The devices of a machine with one disk and a source of random bytes. */
export function withDisk(
  path: string,
  transport: Readonly<Record<string, string>> = {},
  disk: Readonly<Record<string, string>> = {},
): PciDeviceConfig[] {
  return [
    { slot: 0, fn: 0, kind: 'hostbridge', options: {} },
    { slot: 3, fn: 0, kind: 'virtio-blk', options: { path, ...transport, ...disk } },
    { slot: 4, fn: 0, kind: 'virtio-rnd', options: transport },
    { slot: 31, fn: 0, kind: 'lpc', options: {} },
  ];
}
