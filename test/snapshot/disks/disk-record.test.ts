// SPDX-License-Identifier: BSD-2-Clause
/** The files of a snapshot that speak about disks: shown, compared, and hostile. */
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type CborMap, decode, encode } from '../../../src/core/cbor.js';
import { diffSnapshots } from '../../../src/snapshot/diff-snapshots.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import { showSnapshot } from '../../../src/snapshot/show-snapshot.js';
import { SnapshotError } from '../../../src/snapshot/snapshot-error.js';
import type { SnapshotStore } from '../../../src/snapshot/store.js';
import { advance } from '../../support/proof.js';
import { diskMachine, newImages } from '../support/disk-subject.js';
import { forgeDisk, overwrite, savedDisk } from '../support/forge.js';
import { temporaryStore } from '../support/temporary-store.js';
import { MS } from '../support/tick-subject.js';

const FILE = 'disks/pci-0.3.0.cbor';

let store: SnapshotStore;
let image: string;

beforeEach(() => {
  store = temporaryStore();
  [image = ''] = newImages(1);
  const machine = diskMachine([image], MS);
  saveMachine(machine, store, 'one');
  advance(machine, 2n * MS);
  saveMachine(machine, store, 'two');
  machine.close();
});

const path = (): string => join(store.root, 'one', FILE);
const fields = (): CborMap => (decode(savedDisk(store, 'one')) as { fields: CborMap }).fields;

function forgeFields(changed: CborMap): void {
  forgeDisk(store, 'one', encode({ kind: 'snapshot-disk', version: 1, fields: { ...fields(), ...changed } }));
}

test('show and diff tell of disks', () => {
  const shown = new Map(showSnapshot(store.open('two')).map((field) => [field.path, field.value]));
  expect(shown.get('disk pci-0:3:0.path')).toBe(image);
  expect(shown.get('disk pci-0:3:0.kind')).toBe('layers');
  expect(shown.get('disk pci-0:3:0.point.base.file')).toBe('image');
  const paths = diffSnapshots(store, 'one', 'two').fields.map((field) => field.path);
  expect(paths).toContain('disk pci-0:3:0.point.layers[0].file');
});

test('a file that is not what the manifest says is refused', () => {
  overwrite(path(), Buffer.from('x'));
  expect(() => store.open('one').readDisks()).toThrow(`one/${FILE}: expected `);
  overwrite(path(), Buffer.alloc(readFileSync(join(store.root, 'two', FILE)).length, 1));
  expect(() => store.open('one').readDisks()).toThrow(SnapshotError);
  rmSync(path());
  expect(() => store.open('one').readDisks()).toThrow(`one/${FILE}: `);
  symlinkSync('/etc/passwd', path());
  expect(() => store.open('one').readDisks()).toThrow(`one/${FILE}: `);
});

test.each([
  ['another device', { device: 'pci-0:4:0' }],
  ['an unknown kind', { kind: 'magic' }],
  ['a path of another type', { path: 7 }],
  ['a huge number', { capacity: -1 }],
  ['a file outside the folder', { point: { base: { file: '../../etc/passwd' }, layers: [] } }],
  ['no layers', { point: { base: null } }],
  ['one field more', { more: 1 }],
])('a record with %s is refused, even with a right digest', (_, changed) => {
  forgeFields(changed as CborMap);
  expect(() => store.open('one').readDisks()).toThrow(SnapshotError);
});

test.each(['../ram', 'pci-0:3:0/../..', '/etc/passwd', '', 'pci-1000:3:0'])(
  'a reference to %j is refused',
  (device) => {
    forgeDisk(store, 'one', savedDisk(store, 'one'), (reference) => {
      reference.device = device;
    });
    expect(() => store.open('one')).toThrow('body.disks[0].device: expected a PCI function such as pci-0:3:0');
  },
);

test('a record that grows without end is refused before it is read', () => {
  forgeDisk(store, 'one', Buffer.alloc(300 * 1024));
  expect(() => store.open('one').readDisks()).toThrow('expected at most 262144 bytes');
});
