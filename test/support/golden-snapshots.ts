// SPDX-License-Identifier: BSD-2-Clause
/**
 * A store as this format has it, in one file, for all later versions to resume from: a full snapshot, one that builds on it,
 * and a suspend; of a guest that writes to its disk, which is in the file too, and of one with all other devices that need
 * nobody outside.
 */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type CborMap, decode, encode, isMap } from '../../src/core/cbor.js';
import { acceptChanges } from '../../src/host/disk/layers/rebase-disk.js';
import type { Machine } from '../../src/machine/machine.js';
import { ChangeLog } from '../../src/snapshot/change-log.js';
import type { Overrides } from '../../src/snapshot/overrides.js';
import { ResumedMachine } from '../../src/snapshot/resumed-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { SnapshotStore } from '../../src/snapshot/store.js';
import { startDeviceGuest } from './device-guest.js';
import { buildDiskGuest, contentsOf, DISK_BYTES, diskGuestConfig, startDiskGuest } from './disk-guest.js';
import { advance, evidence } from './proof.js';

const IMAGE = 'disk.img';

export interface GoldenGuest {
  /** After the number of the format in the names of its files. */
  readonly suffix: string;
  /** From the start to the first save, and from each to the next; how much longer each machine lives. */
  readonly piece: bigint;
  /** Makes what it needs in a folder. */
  readonly start: (folder: string) => Machine;
  /** To be resumed with, in another folder. */
  readonly moved: (folder: string) => Overrides;
}

export const GOLDEN_GUESTS: readonly GoldenGuest[] = [
  {
    suffix: '',
    piece: 2_000_000n,
    start: (folder) => {
      const image = join(folder, IMAGE);
      writeFileSync(image, Buffer.alloc(DISK_BYTES));
      const machine = buildDiskGuest([image], { hashExits: true });
      startDiskGuest(machine);
      return machine;
    },
    moved: (folder) => {
      const image = join(folder, IMAGE);
      acceptChanges(image); // the identities of its files are new
      const { pci } = diskGuestConfig([image]);
      if (pci === undefined) throw new Error('the guest has a disk');
      return { pci };
    },
  },
  { suffix: '-devices', piece: 20_000n, start: startDeviceGuest, moved: () => ({}) },
];

export interface GoldenEnd {
  readonly name: string;
  /** VM time, instructions, digests of memory and of the disk. */
  readonly facts: readonly string[];
}

/** Writes all of it into a folder. */
export function makeGolden({ piece, start }: GoldenGuest, folder: string): void {
  const store = new SnapshotStore(join(folder, 'store'));
  const machine = start(folder);
  advance(machine, piece);
  saveMachine(machine, store, 'full', { now: 0n });
  const changes = new ChangeLog(machine, store.open('full'));
  advance(machine, 2n * piece);
  saveMachine(machine, store, 'incremental', { changes, now: 0n });
  advance(machine, 3n * piece);
  saveMachine(machine, store, 'suspend', { kind: 'suspend', parent: null, now: 0n });
  machine.close();
}

/** Goes on from each, in an order that takes a disk back and forth. */
export function endsOf({ piece, moved }: GoldenGuest, folder: string): GoldenEnd[] {
  const overrides = moved(folder);
  return ['suspend', 'incremental', 'full', 'incremental'].map((name) => {
    const request = { store: join(folder, 'store'), name, keep: false, overrides, now: 0n };
    const resumed = ResumedMachine.load(request, { hashExits: true });
    advance(resumed.machine, resumed.machine.time + piece);
    const facts = factsOf(resumed.machine);
    resumed.end(() => {});
    resumed.machine.close();
    return { name, facts };
  });
}

function factsOf(machine: Machine): string[] {
  const { time, instructions, memory, exits } = evidence(machine, []);
  const disks = contentsOf(machine).map((bytes) => digest(bytes));
  return [String(time), String(instructions), ...memory, String(exits), ...disks];
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The folder as one file. */
export function packed(folder: string): Uint8Array {
  return gzipSync(encode(contentsOfFolder(folder)), { level: 9 });
}

export function unpack(bytes: Uint8Array, folder: string): void {
  const tree = decode(Uint8Array.from(gunzipSync(bytes)));
  if (!isMap(tree)) throw new Error('expected a folder');
  writeFolder(tree, folder);
}

function contentsOfFolder(folder: string): CborMap {
  return Object.fromEntries(
    readdirSync(folder, { withFileTypes: true }).map((entry) => {
      const path = join(folder, entry.name);
      return [entry.name, entry.isDirectory() ? contentsOfFolder(path) : Uint8Array.from(readFileSync(path))];
    }),
  );
}

function writeFolder(tree: CborMap, folder: string): void {
  mkdirSync(folder, { mode: 0o700, recursive: true });
  for (const [name, content] of Object.entries(tree)) {
    const path = join(folder, name);
    if (content instanceof Uint8Array) {
      writeFileSync(path, content);
      chmodSync(path, 0o600);
    } else if (isMap(content)) {
      writeFolder(content, path);
    }
  }
}
