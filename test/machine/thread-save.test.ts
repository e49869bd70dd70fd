// SPDX-License-Identifier: BSD-2-Clause
/** Saves of a machine on its own thread, which answers meanwhile. */
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MachineHost } from '../../src/machine/machine-host.js';
import { SnapshotStore } from '../../src/snapshot/store.js';
import { verifySnapshot } from '../../src/snapshot/verify-snapshot.js';
import { folder, startEcho, type } from './support/echo-host.js';

let stores = 0;

async function echoWithStore() {
  const echo = await startEcho();
  stores += 1;
  const store = join(folder, `store-${stores}`);
  await echo.host.call('resume');
  await echo.output('>');
  return { ...echo, store, names: () => (existsSync(store) ? readdirSync(store).sort() : []) };
}

test('a snapshot is live, and incremental ones build on what the VM has saved', async () => {
  const { host, store, output } = await echoWithStore();
  const base = await host.call('save', { kind: 'snapshot', store });
  expect(base).toEqual({
    name: 'vm-1',
    bytes: expect.any(Number),
    stoppedMilliseconds: expect.any(Number),
    lastPages: expect.any(Number),
  });
  await type(host, 'a');
  await output('a');
  const delta = await host.call('save', { kind: 'snapshot', store, name: 'delta', parent: 'vm-1' });
  expect(delta.bytes).toBeLessThan(base.bytes);
  const stopped = await host.call('save', { kind: 'snapshot', store, name: 'whole', live: false });
  expect(stopped.lastPages * 4096).toBe(stopped.bytes);
  for (const name of ['vm-1', 'delta', 'whole']) verifySnapshot(new SnapshotStore(store), name);
  await type(host, 'b');
  await output('b');
});

test('status is answered while a suspend is written, and then the machine is at its end', async () => {
  const { host, store, stopped } = await echoWithStore();
  const saving = host.call('save', { kind: 'suspend', store });
  expect((await host.call('status')).state).toBe('paused');
  expect((await saving).name).toBe('vm-1');
  expect(await stopped()).toEqual({ kind: 'suspended', snapshot: 'vm-1' });
});

test('a cancelled save leaves nothing, and the guest goes on', async () => {
  const { host, store, output, names } = await echoWithStore();
  for (const kind of ['suspend', 'snapshot'] as const) {
    const saving = expect(host.call('save', { kind, store })).rejects.toThrow('cancelled; the VM runs on');
    expect(await host.call('cancelSave')).toBe(true);
    await saving;
    expect(names()).toEqual([]);
    await type(host, kind);
    await output(kind);
  }
  expect(await host.call('cancelSave')).toBe(false);
});

test('one save at a time, and a machine that is saved is not let go by others', async () => {
  const { host, store, stopped } = await echoWithStore();
  const saving = host.call('save', { kind: 'suspend', store });
  const second = expect(host.call('save', { kind: 'snapshot', store })).rejects.toThrow('a suspend is on its way');
  const [, { state }] = await Promise.all([host.call('resume'), host.call('status')]);
  expect(state).toBe('paused');
  await second;
  await saving;
  expect((await stopped())?.kind).toBe('suspended');
});

test('pulling the plug ends a save', async () => {
  const { host, store, stopped, names } = await echoWithStore();
  const saving = expect(host.call('save', { kind: 'suspend', store })).rejects.toThrow('the VM was switched off');
  await host.call('powerOff');
  await saving;
  expect(await stopped()).toEqual({ kind: 'requested' });
  expect(names()).toEqual([]);
});

test('closing in the middle of a save leaves nothing', async () => {
  const { host, store, names } = await echoWithStore();
  const saving = expect(host.call('save', { kind: 'snapshot', store })).rejects.toThrow();
  await host.close();
  await saving;
  expect(names().every((name) => name === 'vm-1')).toBe(true); // whole, if it was faster
});

test('a machine that was paused stays so after a snapshot', async () => {
  const { host, store } = await echoWithStore();
  await host.call('pause');
  await host.call('save', { kind: 'snapshot', store });
  expect((await host.call('status')).state).toBe('paused');
});

test('a parent that this machine does not come from is refused', async () => {
  const { host, store } = await echoWithStore();
  await expect(host.call('save', { kind: 'snapshot', store, parent: 'none' })).rejects.toThrow('none: no snapshot');
  await expect(host.call('save', { kind: 'suspend', store, name: 'x/y' })).rejects.toThrow('letters, digits');
});

test('a VM that is switched off while it is saved does not run on, and nobody says so', async () => {
  const { host, store, names } = await echoWithStore();
  const saving = host.call('save', { kind: 'snapshot', store }).then(
    () => 'saved',
    (error: Error) => error.message,
  );
  await host.call('powerOff');
  expect(await saving).toBe('the VM was switched off');
  expect(names()).toEqual([]);
});

test('memory that nobody vouches for is read before the machine runs, which can be watched', async () => {
  const { host, store } = await echoWithStore();
  const { name, bytes } = await host.call('save', { kind: 'snapshot', store });
  chmodSync(join(store, name, 'ram'), 0o660);
  const seen: number[][] = [];
  const request = { store, name, keep: false, overrides: {} };
  const resumed = await MachineHost.resume(request, { onProgress: (...progress) => seen.push(progress) });
  await resumed.close();
  expect(seen[0]?.[1]).toBe(bytes);
});
