// SPDX-License-Identifier: BSD-2-Clause
/** The command with a guest that counts, and the look at the store after the process was killed. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runUntilStopped } from '../../../src/machine/run.js';
import { loadMachine } from '../../../src/snapshot/load-machine.js';
import { SnapshotStore } from '../../../src/snapshot/store.js';
import { verifySnapshot } from '../../../src/snapshot/verify-snapshot.js';
import { COUNT, countingGuest, countLine } from '../../cli/support/counting-guest.js';
import { Run } from '../../cli/support/run.js';
import type { WatchedFolder } from './shim.js';

const lines = Array.from({ length: COUNT }, (_, number) => countLine(number)).join('');
/** All that the guest prints when `half` is typed. */
export const WHOLE = `${lines}half\n`;

/** Boots the guest; its store is in the watched folder. */
export function bootCounter(folder: WatchedFolder, ...words: string[]): Run {
  const kernel = join(folder.root, '../kernel');
  writeFileSync(kernel, countingGuest());
  // The recording shim writes to files of its own, which a confined VM does not reach.
  const machine = ['-m', '16', '--kernel', kernel, '--clock', 'virtual', '-l', 'com1,stdio', '--sandbox', 'off'];
  return new Run({ environment: folder.environment }, ...machine, '--store', storeOf(folder), ...words, 'counter');
}

export function storeOf(folder: WatchedFolder): string {
  return join(folder.root, 'store');
}

/**
 * Throws unless `old` is there, every snapshot is whole, nothing else is left, and the guest goes on from the newest.
 * Answers the names.
 */
export function examineKilled(folder: WatchedFolder, old: string): string[] {
  const store = new SnapshotStore(storeOf(folder));
  const names = readdirSync(store.root).sort();
  if (!names.includes(old)) throw new Error(`${old} is lost`);
  for (const name of names) verifySnapshot(store, name);
  const output: number[] = [];
  const outputs = { com1: { write: (byte: number) => output.push(byte) } };
  const { machine, watch } = loadMachine(store, names.at(-1) ?? '', { host: { outputs } });
  machine.type('com1', Buffer.from('half\n'));
  machine.resume();
  const reason = runUntilStopped(machine);
  watch?.settle();
  machine.close();
  const text = Buffer.from(output).toString('latin1');
  if (reason?.kind !== 'power-off' || !WHOLE.endsWith(text) || !text.endsWith('half\n')) {
    throw new Error(`the guest ended by ${reason?.kind} and wrote ${JSON.stringify(text)}`);
  }
  return names;
}
