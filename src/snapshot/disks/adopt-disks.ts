// SPDX-License-Identifier: BSD-2-Clause
/**
 * All disks of a machine go over to the instant of a snapshot, or none. One disk does so in one step. Of several each is
 * first owned by a journal; once that is written the change is made, whoever makes it: a process that dies leaves it to the
 * next opening of any of them. A disk that has gone over has no owner.
 */
import { existsSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { decode, encode } from '../../core/cbor.js';
import { text } from '../../core/json-fields.js';
import { hostString, list, optional, record } from '../../core/state-fields.js';
import { type StateOf, StateShape } from '../../core/state-shape.js';
import type { DiskOwner, FrozenPoint, LayeredDisk } from '../../host/disk/layers/api.js';
import { diskLayers } from '../../host/disk/layers/disk-layers.js';
import { frozenPoint } from '../../host/disk/layers/identity.js';
import { ignoringFailure } from '../../host/ignoring-failure.js';
import { newId } from '../../host/new-id.js';
import { readBounded, syncFolder, writeDurable } from '../durable.js';
import { refusing } from '../snapshot-error.js';

/** A disk that was opened at a point. */
export interface Adoption {
  readonly disk: LayeredDisk;
  readonly point: FrozenPoint;
}

const NAME = /^\.restore-[0-9a-f]{32}$/;
const JOURNAL_MAX = 4 * 1024 * 1024;
const DISKS_MAX = 256;

const fields = {
  disks: list(record({ path: hostString(), line: optional(text({ max: 64 })), point: frozenPoint }), {
    max: DISKS_MAX,
  }),
};
const journalShape = new StateShape('restore-journal', 1, fields);
type Journal = StateOf<typeof fields>;

/** `store` is the folder for the journal. When this throws nothing has changed, or the next opening changes all. */
export function adoptTogether(store: string, adoptions: readonly Adoption[]): void {
  const [first] = adoptions;
  if (first === undefined) return;
  if (adoptions.length === 1) {
    first.disk.adopt();
    return;
  }
  const id = newId();
  const journal = { id, path: join(store, `.restore-${id}`) };
  announce(journal, adoptions);
  for (const { disk } of adoptions) disk.adopt();
  ignoringFailure(() => removeJournal(journal.path));
}

/** Finishes what another process has begun. False if the owner is no journal. */
export function finishAdoption(path: string, line: string | null, owner: DiskOwner): boolean {
  if (!NAME.test(basename(owner.path))) return false;
  // Without the journal either nothing was changed yet, or everything was.
  const disks = existsSync(owner.path) ? readJournal(owner.path).disks : [];
  const left = disks.filter((disk) => diskLayers.ownerOf(disk.path, disk.line)?.id === owner.id);
  for (const { point, ...disk } of left) {
    const opened = diskLayers.open(disk.path, { readOnly: false, line: disk.line, resuming: owner.id, at: point });
    try {
      opened.adopt();
    } finally {
      opened.close();
    }
  }
  removeJournal(owner.path);
  for (const disk of [...left, { path, line }]) diskLayers.release(disk.path, disk.line, owner.id);
  return true;
}

/** Of a process that died when it had changed all disks: nobody needs the journal then. */
export function removeJournals(store: string, names: readonly string[]): void {
  for (const name of names.filter((each) => NAME.test(each))) {
    ignoringFailure(() => {
      const path = join(store, name);
      const id = name.slice('.restore-'.length);
      const { disks } = readJournal(path);
      const isNeeded = disks.some(
        (disk) => existsSync(disk.path) && diskLayers.ownerOf(disk.path, disk.line)?.id === id,
      );
      if (!isNeeded) removeJournal(path);
    });
  }
}

function announce(journal: DiskOwner, adoptions: readonly Adoption[]): void {
  const disks = adoptions.map(({ disk: { path, line }, point: { base, layers } }) => {
    return { path, line, point: { base, layers: [...layers] } };
  });
  try {
    for (const { disk } of adoptions) disk.setOwner(journal);
    writeDurable(journal.path, encode(journalShape.save({ disks })));
    syncFolder(dirname(journal.path));
  } catch (error) {
    ignoringFailure(() => removeJournal(journal.path));
    for (const { disk } of adoptions) ignoringFailure(() => disk.clearOwner());
    throw error;
  }
}

function removeJournal(path: string): void {
  rmSync(path, { force: true });
  syncFolder(dirname(path));
}

function readJournal(path: string): Journal {
  const { bytes } = readBounded(path, path, JOURNAL_MAX);
  return refusing(path, () => journalShape.load(decode(bytes), 'journal'));
}
