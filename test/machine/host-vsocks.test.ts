// SPDX-License-Identifier: BSD-2-Clause
/** Sockets of a machine on a thread of its own. The thread runs the compiled sources. */
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { buildMachine } from '../../src/machine/build.js';
import { machineConfig } from '../../src/machine/config.js';
import { HostVsocks } from '../../src/machine/host-vsocks.js';
import { MachineHost } from '../../src/machine/machine-host.js';
import { until } from '../host/support/fake-line.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const MEMORY = 2 * 1024 * 1024;
const device = (options: Record<string, string>) => [{ slot: 4, fn: 0, kind: 'virtio-vsock', options }];
const config = (path: string) => machineConfig({ memory: MEMORY, pci: device({ path }) });

test('a machine whose socket cannot be had does not start', async () => {
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, '');
  await expect(MachineHost.start(config(path))).rejects.toThrow(
    `vsock ${path}: there is something else with that name, not a socket`,
  );
});

test('a call to a guest without a driver is refused once the machine runs, and the socket goes with the machine', async () => {
  const path = join(temporaryFolder(), 'socket');
  const host = await MachineHost.start(config(path));
  const client = connect(path);
  const ended = new Promise<void>((resolve) => client.once('close', () => resolve()));
  client.resume();
  client.write('CONNECT 5\n');
  await host.call('status');
  expect(client.destroyed).toBe(false);
  await host.call('resume');
  await ended;
  await host.close();
  await until(() => !existsSync(path));
});

test('live sockets are refused under the virtual clock, and without a thread that has them', () => {
  const virtual = { kind: 'virtual', numerator: 1, denominator: 1 } as const;
  expect(() => buildMachine({ memory: MEMORY, clock: virtual, pci: device({ path: '/x' }) })).toThrow(
    "pci-0:4:0 path: '/x' is a live link, which the virtual clock cannot repeat",
  );
  expect(() => buildMachine({ memory: MEMORY, pci: device({ path: '/x' }) })).toThrow(
    'pci-0:4:0 path: a socket of the host needs a machine on a thread of its own',
  );
  buildMachine({ memory: MEMORY, clock: virtual, pci: device({ loopback: 'on' }) }).close();
});

test('tells how much of what the guest says it has heard, now and then', async () => {
  const heard: (string | number)[][] = [];
  const vsocks = new HostVsocks({ send: () => {}, heard: (...given) => heard.push(given) });
  vsocks.open('vsock', join(temporaryFolder(), 'socket'));
  for (let guest = 0; guest < 513; guest += 1) vsocks.hear('vsock', { op: 'reset', host: 1, guest });
  await vsocks.connected();
  vsocks.close();
  expect(heard).toEqual([
    ['vsock', 256],
    ['vsock', 256],
  ]);
});
