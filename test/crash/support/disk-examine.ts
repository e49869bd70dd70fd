// SPDX-License-Identifier: BSD-2-Clause
/** What must hold of a disk after a power cut. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FrozenPoint, OpenOptions } from '../../../src/host/disk/layers/api.js';
import { neededFiles } from '../../../src/host/disk/layers/clean.js';
import { diskLayers } from '../../../src/host/disk/layers/disk-layers.js';
import { LayerFolder } from '../../../src/host/disk/layers/folder.js';
import { acceptChanges } from '../../../src/host/disk/layers/rebase-disk.js';
import { LayeredImage } from '../../../src/hypervisor/layered-image.js';
import { Allowed, SECTOR, SECTORS, type Step, sectorText } from './disk-plan.js';
import { writeTree } from './examine.js';
import { marksOf, type PowerCut } from './power-cuts.js';
import { SCRATCH } from './shim.js';

interface Expected {
  /** The disk is one of these. */
  readonly now: readonly Allowed[];
  /** By number. What is not in here may be there or not. */
  readonly snapshots: ReadonlyMap<number, readonly string[]>;
  readonly strays: readonly (readonly string[])[];
}

/** After `done` steps, with the next one perhaps under way. */
export function expectedAfter(plan: readonly Step[], done: number): Expected {
  let now = new Allowed();
  const snapshots = new Map<number, readonly string[]>();
  const strays: (readonly string[])[] = [];
  let made = 0;
  let others: Allowed[] = [];
  for (const [index, step] of plan.slice(0, done + 1).entries()) {
    const isDone = index < done;
    switch (step.kind) {
      case 'write':
      case 'zero':
        for (let sector = step.sector; sector < step.sector + step.count; sector += 1) {
          now.change(sector, step.kind === 'zero' ? '' : sectorText(index, sector));
        }
        break;
      case 'unpin':
        snapshots.delete(step.snapshot);
        break;
      case 'snapshot':
        if (isDone) {
          now.flush();
          snapshots.set(made, [...now.content()]);
        }
        made += 1;
        break;
      case 'restore': {
        const target = new Allowed(snapshots.get(step.snapshot));
        if (!isDone) {
          others = [target];
        } else {
          now.flush();
          strays.push([...now.content()]);
          now = target;
        }
        break;
      }
      default:
        if (isDone) now.flush();
    }
  }
  return { now: [now, ...others], snapshots, strays };
}

/** Throws what is wrong. */
export function examineDisk(cut: PowerCut, plan: readonly Step[]): void {
  const marks = marksOf(cut.made);
  if (!marks.includes('ready')) return;
  const folder = mkdtempSync(join(SCRATCH, 'tsbhyve-cut-'));
  try {
    writeTree(folder, cut.tree);
    look(join(folder, 'new/disks/disk.img'), expectedAfter(plan, marks.length - 1));
  } catch (error) {
    throw new Error(`${cut.what}: ${(error as Error).message}`, { cause: error });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function look(path: string, { now, snapshots, strays }: Expected): void {
  // The files were made anew just now, which is what a copy of the folder would look like.
  acceptChanges(path);
  const owner = existsSync(`${path}.tsbhyve`) ? new LayerFolder(path).readHead(null)?.owner : null;
  const content = read(path, { resuming: owner?.id ?? null });
  const wrongs = now.map((allowed) => allowed.wrong(content));
  if (!wrongs.includes(null)) throw new Error(`the disk: ${wrongs.join('; ')}`);
  for (const [number, expected] of snapshots) {
    const pin = diskLayers.pinOf(path, String(number).padStart(32, '0'));
    if (pin === null) throw new Error(`snapshot ${number} is lost`);
    compare(`snapshot ${number}`, path, pin.point, expected, owner?.id ?? null);
  }
  const folder = new LayerFolder(path);
  if (!folder.exists()) return;
  const kept = folder.readHead(null)?.strays ?? [];
  for (const [index, expected] of strays.entries()) {
    const stray = kept[index];
    if (stray === undefined) throw new Error(`what restore ${index} has set aside is lost`);
    compare(`stray ${index}`, path, stray.point, expected, owner?.id ?? null);
  }
  const files = readdirSync(folder.root).filter((name) => /^(base|layer)-/.test(name));
  const needed = neededFiles(folder);
  const left = files.filter((name) => !needed.has(name));
  if (left.length > 0) throw new Error(`nobody needs ${left.join(', ')}`);
}

function compare(
  what: string,
  path: string,
  at: FrozenPoint,
  expected: readonly string[],
  resuming: string | null,
): void {
  const wrong = new Allowed(expected).wrong(read(path, { at, resuming }));
  if (wrong !== null) throw new Error(`${what}: ${wrong}`);
}

function read(path: string, options: Partial<OpenOptions>): Buffer {
  const disk = diskLayers.open(path, { readOnly: false, ...options });
  const image = new LayeredImage(disk.files(), disk.capacity, false);
  try {
    const bytes = Buffer.alloc(SECTORS * SECTOR);
    const errno = image.perform({ kind: 'read', offset: 0, memory: [bytes] });
    if (errno !== 0) throw new Error(`reading it answers errno ${errno}`);
    return bytes;
  } finally {
    image.close();
    disk.close();
  }
}
