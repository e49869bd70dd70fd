// SPDX-License-Identifier: BSD-2-Clause
/** Network links of a machine on a thread of its own. The thread runs the compiled sources. */
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { SinkLogger } from '../../src/core/log.js';
import { machineConfig } from '../../src/machine/config.js';
import { MachineHost } from '../../src/machine/machine-host.js';
import { temporaryFolder } from '../snapshot/support/temporary-store.js';

const config = (stream: string) =>
  machineConfig({ memory: 2 * 1024 * 1024, pci: [{ slot: 4, fn: 0, kind: 'virtio-net', options: { stream } }] });

let server: Server;
let path: string;
let peer: Promise<Socket>;
beforeEach(async () => {
  path = join(temporaryFolder(), 'socket');
  server = createServer();
  peer = new Promise((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(path, resolve));
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

test('a machine whose link cannot be had does not start', async () => {
  await expect(MachineHost.start(config('/nowhere/socket'))).rejects.toThrow(
    'stream /nowhere/socket: cannot connect to it: no such file or directory',
  );
});

test('a link is there from the start and goes with the machine', async () => {
  const host = await MachineHost.start(config(path));
  const socket = await peer;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.resume();
  await host.close();
  await closed;
});

test('a machine survives a peer that goes', async () => {
  const warnings: string[] = [];
  let told: () => void = () => {};
  const warned = new Promise<void>((resolve) => {
    told = resolve;
  });
  const log = new SinkLogger((_, scope, message) => {
    warnings.push(`${scope}: ${message}`);
    told();
  });
  const host = await MachineHost.start(config(path), { log });
  const socket = await peer;
  socket.write(Uint8Array.of(0, 0, 0, 1, 9));
  socket.end();
  await warned;
  expect(warnings).toEqual([`net: pci-0:4:0: stream ${path}: the other side has closed it: the link is down`]);
  expect((await host.call('status')).state).toBe('built');
  await host.close();
});
