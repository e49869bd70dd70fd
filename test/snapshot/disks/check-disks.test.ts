// SPDX-License-Identifier: BSD-2-Clause
/** What keeps the disks of a snapshot from being used, and what to do about it. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildMachine } from '../../../src/machine/build.js';
import type { PciDeviceConfig } from '../../../src/machine/config.js';
import type { Machine } from '../../../src/machine/machine.js';
import { checkSnapshot } from '../../../src/snapshot/check-snapshot.js';
import { configFromRecord } from '../../../src/snapshot/config-record.js';
import { loadMachine } from '../../../src/snapshot/load-machine.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import type { SnapshotStore } from '../../../src/snapshot/store.js';
import { verifySnapshot } from '../../../src/snapshot/verify-snapshot.js';
import { buildDiskGuest, checkContent, diskGuestConfig, startDiskGuest } from '../../support/disk-guest.js';
import { endServers, missing, nbdFolder, startNbdkit } from '../../support/nbd-servers.js';
import { advance } from '../../support/proof.js';
import { diskMachine, newImages } from '../support/disk-subject.js';
import { temporaryStore } from '../support/temporary-store.js';
import { MS } from '../support/tick-subject.js';

const machines: Machine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.close();
});

function saved(kind: 'snapshot' | 'suspend'): { store: SnapshotStore; image: string } {
  const store = temporaryStore();
  const [image = ''] = newImages(1);
  const machine = diskMachine([image], 2n * MS);
  saveMachine(machine, store, 'one', { kind });
  machine.close();
  return { store, image };
}

test.each(['snapshot', 'suspend'] as const)('a good %s has none', (kind) => {
  const { store } = saved(kind);
  expect(checkSnapshot(store, 'one')).toEqual([]);
  expect(checkSnapshot(store, 'one')).toEqual([]); // looking changes nothing
  machines.push(loadMachine(store, 'one').machine);
});

test('an image that is not there, and one that is named where it is', () => {
  const { store, image } = saved('snapshot');
  const moved = `${image}.moved`;
  renameSync(image, moved);
  expect(checkSnapshot(store, 'one')).toEqual([
    {
      path: `disk ${image}`,
      problem: 'is not there',
      remedy: 'name the image where it is now with -o pci.0.3.0.path=',
    },
  ]);
  renameSync(`${image}.tsbhyve`, `${moved}.tsbhyve`);
  const { pci = [] } = diskGuestConfig([moved]);
  expect(checkSnapshot(store, 'one', { pci })).toEqual([]);
  const { machine } = loadMachine(store, 'one', { overrides: { pci } });
  machines.push(machine);
  checkContent(machine);
  advance(machine, machine.time + MS);
  checkContent(machine);
});

/** A machine at work that has one more disk. */
function savedBeside(disk: PciDeviceConfig): SnapshotStore {
  const store = temporaryStore();
  const config = diskGuestConfig(newImages(1));
  const machine = buildMachine({ ...config, pci: [...(config.pci ?? []), disk] });
  startDiskGuest(machine);
  advance(machine, 2n * MS);
  saveMachine(machine, store, 'one');
  machine.close();
  return store;
}

test('a disk on another bus', () => {
  const [path = ''] = newImages(1);
  const store = savedBeside({ bus: 3, slot: 1, fn: 0, kind: 'virtio-blk', options: { path } });
  expect(checkSnapshot(store, 'one')).toEqual([]);
  loadMachine(store, 'one').machine.close();
  renameSync(path, `${path}.moved`);
  expect(checkSnapshot(store, 'one')).toMatchObject([{ remedy: expect.stringContaining('-o pci.3.1.0.path=') }]);
});

const noNbdkit = missing('nbdkit');
(noNbdkit === null ? test : test.skip)(`a disk behind a server${noNbdkit ?? ''}`, async () => {
  const socket = join(nbdFolder(), 'socket');
  await startNbdkit(socket, 'memory', '1M');
  const path = `nbd:unix:${socket}`;
  const store = savedBeside({ slot: 12, fn: 0, kind: 'virtio-blk', options: { path, ro: 'on' } });
  expect(checkSnapshot(store, 'one')).toEqual([]);
  endServers();
  await startNbdkit(`${socket}2`, 'memory', '2M');
  const moved = configFromRecord(store.open('one').manifest.machine).pci.map((device) =>
    device.slot === 12 ? { ...device, options: { ...device.options, path: `${path}2` } } : device,
  );
  expect(checkSnapshot(store, 'one', { pci: moved })).toMatchObject([
    { problem: expect.stringContaining('saved with') },
  ]);
  endServers();
});

test('an image that was changed behind our back', () => {
  const { store, image } = saved('snapshot');
  chmodSync(image, 0o600);
  writeFileSync(image, readFileSync(image));
  const [blocker] = checkSnapshot(store, 'one');
  expect(blocker?.path).toBe(`disk ${image}`);
  expect(blocker?.problem).toContain('was changed after it was frozen');
  expect(blocker?.problem).toContain(`tsbhyve disk rebase --accept ${image}`);
  expect(() => loadMachine(store, 'one')).toThrow('was changed after it was frozen');
  expect(() => verifySnapshot(store, 'one')).toThrow('was changed after it was frozen');
});

test('a suspend whose image was changed, or written to by somebody else', () => {
  const { store, image } = saved('suspend');
  appendFileSync(image, 'x');
  expect(checkSnapshot(store, 'one')).toEqual([expect.objectContaining({ path: `disk ${image}` })]);
  expect(() => loadMachine(store, 'one')).toThrow('was changed after');
  rmSync(`${image}.tsbhyve`, { recursive: true });
  expect(checkSnapshot(store, 'one')).toEqual([
    {
      path: `disk ${image}`,
      problem: 'was written since the suspend',
      remedy: 'boot the VM, and remove the suspend one',
    },
  ]);
  expect(() => loadMachine(store, 'one')).toThrow(
    'was written since the suspend one: boot the VM, and remove the suspend (tsbhyve snapshot rm one)',
  );
});

test('a disk that is in use, or that a newer suspend waits for', () => {
  const { store, image } = saved('snapshot');
  const machine = buildDiskGuest([image]);
  expect(checkSnapshot(store, 'one')).toEqual([
    expect.objectContaining({ path: `disk ${image}`, problem: expect.stringContaining('in use by another VM') }),
  ]);
  machine.close();
  const { machine: later } = loadMachine(store, 'one');
  advance(later, later.time + MS);
  saveMachine(later, store, 'later', { kind: 'suspend' });
  later.close();
  expect(checkSnapshot(store, 'one')).toEqual([
    expect.objectContaining({ problem: expect.stringMatching(/^belongs to the suspend later: go on from it/) }),
  ]);
});

test('damage inside a frozen file is found by verify, from its second time on', () => {
  const { store, image } = saved('snapshot');
  verifySnapshot(store, 'one');
  const { mtimeNs } = statSync(image, { bigint: true });
  const bytes = readFileSync(image);
  bytes.writeUInt8(bytes.readUInt8(700) ^ 1, 700);
  chmodSync(image, 0o600);
  writeFileSync(image, bytes);
  execFileSync('touch', [
    '-d',
    `@${mtimeNs / 1_000_000_000n}.${String(mtimeNs % 1_000_000_000n).padStart(9, '0')}`,
    image,
  ]);
  expect(() => verifySnapshot(store, 'one')).toThrow('does not match its digest');
});
