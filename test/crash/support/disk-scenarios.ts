// SPDX-License-Identifier: BSD-2-Clause
/** A process under the shim: `<plan> <folder>`. It marks every step of the plan that is done. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LayeredDisk, OpenOptions } from '../../../src/host/disk/layers/api.js';
import { commitDisk } from '../../../src/host/disk/layers/commit-disk.js';
import { diskLayers } from '../../../src/host/disk/layers/disk-layers.js';
import { makeFolders, syncFolder, writeNew } from '../../../src/host/durable-files.js';
import { LayeredImage } from '../../../src/hypervisor/layered-image.js';
import { fill, PLANS, SECTOR, SECTORS, type Step } from './disk-plan.js';

const [, , name = '', folder = ''] = process.argv;
const path = join(folder, 'disk.img');
const snapshots: string[] = [];

makeFolders(folder, 0o700);
writeNew(path, fill(-1, 0, SECTORS));
syncFolder(folder);
let { disk, image } = open({});
mark('ready');
for (const [index, step] of (PLANS[name] ?? []).entries()) {
  perform(step, index);
  mark(`did ${index}`);
}
close();

function open(options: Partial<OpenOptions>): { disk: LayeredDisk; image: LayeredImage } {
  const opened = diskLayers.open(path, { readOnly: false, ...options });
  const native = new LayeredImage(opened.files(), opened.capacity, false);
  opened.attach(native);
  return { disk: opened, image: native };
}

function close(): void {
  image.flush();
  image.close();
  disk.close();
}

function perform(step: Step, index: number): void {
  switch (step.kind) {
    case 'write':
      done(
        image.perform({ kind: 'write', offset: step.sector * SECTOR, memory: [fill(index, step.sector, step.count)] }),
      );
      break;
    case 'zero':
      done(image.perform({ kind: 'zero', offset: step.sector * SECTOR, length: step.count * SECTOR, unmap: true }));
      break;
    case 'flush':
      image.flush();
      break;
    case 'snapshot': {
      const owner = {
        id: String(snapshots.length).padStart(32, '0'),
        path: join(folder, `snapshot-${snapshots.length}`),
      };
      disk.pin(owner, disk.freeze(disk.prepare()));
      makeFolders(owner.path, 0o700);
      diskLayers.confirmPin(path, owner);
      snapshots.push(owner.id);
      break;
    }
    case 'unpin':
      diskLayers.unpin(path, snapshots[step.snapshot] ?? '');
      break;
    case 'restore': {
      close();
      ({ disk, image } = open({ at: diskLayers.pinOf(path, snapshots[step.snapshot] ?? '')?.point ?? null }));
      disk.adopt();
      break;
    }
    case 'suspend': {
      const owner = { id: 'f'.repeat(32), path: '/store/guest-1' };
      disk.setOwner(owner);
      close();
      ({ disk, image } = open({ resuming: owner.id }));
      disk.clearOwner();
      break;
    }
    case 'merge': {
      const job = disk.startMerge();
      if (job === null) throw new Error('nothing to merge');
      while (!job.wait(1000));
      job.finish();
      break;
    }
    case 'reopen':
      close();
      ({ disk, image } = open({}));
      break;
    case 'commit':
      close();
      commitDisk(path);
      ({ disk, image } = open({}));
      break;
  }
}

function done(errno: number): void {
  if (errno !== 0) throw new Error(`the disk answered with errno ${errno}`);
}

function mark(text: string): void {
  mkdirSync(join(folder, `.mark-${text}`));
}
