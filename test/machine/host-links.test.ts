// SPDX-License-Identifier: BSD-2-Clause
/** Network links of a machine on a thread of its own. The thread runs the compiled sources. */
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { SinkLogger } from '../../src/core/log.js';
import { machineConfig } from '../../src/machine/config.js';
import { HostLinks } from '../../src/machine/host-links.js';
import { MachineHost } from '../../src/machine/machine-host.js';
import { temporaryFolder } from '../support/temporary-folder.js';

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

test('a connection that was lost is tried again until there is one', async () => {
  const told: string[] = [];
  let onTold: () => void = () => {};
  const until = async (count: number): Promise<void> => {
    while (told.length < count) {
      await new Promise<void>((resolve) => {
        onTold = resolve;
      });
    }
  };
  const tell = (what: string): void => {
    told.push(what);
    onTold();
  };
  const links = new HostLinks(
    {
      receive: async () => {},
      linkDown: () => tell('down'),
      linkUp: () => tell('up'),
      warn: () => {},
    },
    (seconds, work) => {
      tell(`again in ${seconds}`);
      setImmediate(work);
      return () => {};
    },
  );
  const unsent = new SharedArrayBuffer(4);
  links.open({ id: 'net', path, reconnect: 7 }, unsent);
  await links.connected();
  const socket = await peer;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    socket.destroy();
  });
  await until(4);
  expect(told.slice(0, 4)).toEqual(['down', 'again in 7', 'again in 7', 'again in 7']);
  Atomics.add(new Int32Array(unsent), 0, 60);
  links.send('net', new Uint8Array(60));
  expect(Atomics.load(new Int32Array(unsent), 0)).toBe(0);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  while (!told.includes('up')) await until(told.length + 1);
  links.close();
});
