// SPDX-License-Identifier: BSD-2-Clause
/** A folder whose file system shares blocks between files, which snapshots of disks make use of. Only root can mount one. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BYTES = 512 * 1024 * 1024;
const ENVIRONMENT = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

export interface SharingFolder {
  readonly folder: string;
  readonly release: () => void;
}

/** The reason if none can be had. The file system lies in a file below `parent`. */
export function sharingFolder(parent = tmpdir()): SharingFolder | string {
  const own = mkdtempSync(join(parent, 'sharing-'));
  const image = join(own, 'fs');
  const folder = join(own, 'mnt');
  try {
    writeFileSync(image, '');
    truncateSync(image, BYTES);
    mkdirSync(folder);
    const options = { env: ENVIRONMENT, stdio: 'pipe' } as const;
    execFileSync('mkfs.xfs', ['-q', '-m', 'reflink=1', image], options);
    execFileSync('mount', ['-o', 'loop', image, folder], options);
  } catch (error) {
    rmSync(own, { recursive: true });
    return `no file system with shared blocks can be mounted here: ${String(error)}`.split('\n')[0] ?? '';
  }
  return {
    folder,
    release: () => {
      execFileSync('umount', ['-l', folder], { env: ENVIRONMENT });
      rmSync(own, { recursive: true });
    },
  };
}
