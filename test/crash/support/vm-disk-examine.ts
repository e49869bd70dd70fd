// SPDX-License-Identifier: BSD-2-Clause
/** What must hold of disks and snapshots after a VM's process was killed. */
import { existsSync, readdirSync } from 'node:fs';
import { clean, neededFiles } from '../../../src/host/disk/layers/clean.js';
import { LayerFolder } from '../../../src/host/disk/layers/folder.js';
import { readPins } from '../../../src/host/disk/layers/pins.js';
import type { Machine } from '../../../src/machine/machine.js';
import { loadMachine } from '../../../src/snapshot/load-machine.js';
import { ResumedMachine } from '../../../src/snapshot/resumed-machine.js';
import type { SnapshotFolder } from '../../../src/snapshot/snapshot-folder.js';
import { SnapshotStore } from '../../../src/snapshot/store.js';
import { roleOf } from '../../../src/snapshot/suspend-use.js';
import { verifySnapshot } from '../../../src/snapshot/verify-snapshot.js';
import { buildDiskGuest, checkContent, contentAfter, contentsOf } from '../../support/disk-guest.js';
import { advance } from '../../support/proof.js';
import { imagesIn, storeIn } from './vm-disk-lives.js';

const MS = 1_000_000n;

/** `said` is what the process has printed. Throws what is wrong. */
export function examineDisks(folder: string, said: string): void {
  const lines = said.split('\n').map((line) => line.split(' '));
  const store = new SnapshotStore(storeIn(folder));
  const snapshots = store.list().map((entry) => {
    if ('problem' in entry) throw entry.problem;
    return entry.snapshot;
  });
  checkPromises(lines, snapshots);
  const flushed = Number(lines.filter(([word]) => word === 'flushed').at(-1)?.[1] ?? 0);
  const isRestored = lines.some(([word]) => word === 'restoring');
  if (!isRestored) checkBoot(folder, store, snapshots, flushed);
  // Each twice, in an order that goes back and forth.
  const usable = snapshots.filter((snapshot) => existsSync(snapshot.folder) && roleOf(snapshot) !== 'spent');
  for (const { name } of [...usable, ...usable].sort((a, b) => (a.name < b.name ? 1 : -1))) goOn(store, name);
  for (const { name } of usable) verifySnapshot(store, name);
  buildDiskGuest(imagesIn(folder)).close();
  checkLeftovers(folder);
}

function checkPromises(lines: readonly string[][], snapshots: readonly SnapshotFolder[]): void {
  const found = new Map(snapshots.map((snapshot) => [snapshot.name, roleOf(snapshot)]));
  const promised = new Map<string, string>();
  for (const [word = '', name = ''] of lines)
    if (!['', 'flushed', 'restoring', 'failed'].includes(word)) promised.set(name, word);
  for (const [name, word] of promised) {
    const role = found.get(name);
    if (word === 'there' && role === undefined) throw new Error(`${name} was reported to be saved and is not there`);
    if (word === 'running' && role === 'suspend') throw new Error(`${name} waits for its machine again`);
    if (word === 'gone' && role !== undefined) throw new Error(`${name} was reported to be gone and is there`);
  }
}

/** A boot finds what was flushed, unless a suspend waits for the disks, which then goes on from what it had. */
function checkBoot(folder: string, store: SnapshotStore, snapshots: readonly SnapshotFolder[], flushed: number): void {
  const waiting = snapshots.filter((snapshot) => roleOf(snapshot) === 'suspend').at(-1);
  let machine: Machine;
  try {
    machine = buildDiskGuest(imagesIn(folder));
  } catch (error) {
    const { message } = error as Error;
    if (waiting === undefined || !message.includes(`belongs to the suspend ${waiting.name}:`)) throw error;
    const resumed = ResumedMachine.load({ store: store.root, name: waiting.name, keep: true, overrides: {} }, {});
    checkContent(resumed.machine);
    resumed.machine.resume();
    resumed.end(() => {});
    resumed.machine.close();
    return;
  }
  try {
    for (const content of contentsOf(machine)) checkFlushed(content, flushed);
  } finally {
    machine.close();
  }
}

/** Nothing is older than what was flushed. The very write in which the process died may be half done. */
function checkFlushed(content: Buffer, flushed: number): void {
  const least = contentAfter(flushed);
  for (let at = 0; at < content.length; at += 8) {
    const [found, expected] = [content.readBigUInt64LE(at), least.readBigUInt64LE(at)];
    if (found < expected) throw new Error(`byte ${at} has ${found}, and ${expected} was flushed`);
  }
}

function goOn(store: SnapshotStore, name: string): void {
  const { machine, watch } = loadMachine(store, name);
  try {
    checkContent(machine);
    advance(machine, machine.time + MS);
    checkContent(machine);
    const fault = watch?.settle() ?? null;
    if (fault !== null) throw fault;
  } catch (cause) {
    throw new Error(`${name}: ${(cause as Error).message}`, { cause });
  } finally {
    machine.close();
  }
}

function checkLeftovers(folder: string): void {
  for (const image of imagesIn(folder)) {
    const layers = new LayerFolder(image);
    if (!layers.exists()) continue;
    clean(layers);
    for (const pin of readPins(layers)) {
      if (!pin.confirmed || !existsSync(pin.path)) throw new Error(`a pin of ${pin.path} is left`);
    }
    const needed = neededFiles(layers);
    const left = layers.entries().filter((name) => name.startsWith('layer-') && !needed.has(name));
    if (left.length > 0) throw new Error(`${left.join(', ')} is left`);
  }
  const rest = readdirSync(storeIn(folder)).filter((name) => name.startsWith('.'));
  if (rest.length > 0) throw new Error(`${rest.join(', ')} is left in the store`);
}
