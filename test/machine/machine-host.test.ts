// SPDX-License-Identifier: BSD-2-Clause
/** A machine on its own thread. The thread runs the compiled sources: `npm run build:ts` first. */
import { join } from 'node:path';
import { machineConfig } from '../../src/machine/config.js';
import { MachineHost } from '../../src/machine/machine-host.js';
import { folder, startEcho, type } from './support/echo-host.js';

test('output and input pass between the threads, and power off is reported', async () => {
  const { host, output, stopped } = await startEcho();
  await host.call('resume');
  await output('>');
  await type(host, 'hello');
  await output('hello');
  await type(host, 'q');
  expect(await stopped()).toEqual({ kind: 'power-off' });
  expect((await host.call('status')).state).toBe('stopped');
});

test('a paused machine stands still, and runs on', async () => {
  const { host, output, text } = await startEcho();
  await host.call('resume');
  await output('>');
  await host.call('pause');
  const before = await host.call('status');
  await type(host, 'x');
  const after = await host.call('status');
  expect(after).toEqual({ ...before, state: 'paused' });
  expect(text()).toBe('>');
  await host.call('resume');
  await output('x');
});

test('a reset machine starts again', async () => {
  const { host, output, stopped } = await startEcho();
  await host.call('resume');
  await type(host, 'r');
  expect(await stopped()).toEqual({ kind: 'reset' });
  await host.call('reset');
  await host.call('resume');
  await type(host, 'again');
  await output('>again');
});

test('what a machine cannot do is refused, and it goes on', async () => {
  const { host, output } = await startEcho();
  await expect(host.call('pause')).rejects.toThrow('cannot pause a machine that is built');
  await host.call('resume');
  await output('>');
});

test('several machines run in one process', async () => {
  const machines = await Promise.all([startEcho(), startEcho(), startEcho()]);
  for (const { host } of machines) await host.call('resume');
  await Promise.all(machines.map(({ host }, index) => type(host, `guest ${index}`)));
  await Promise.all(machines.map(({ output }, index) => output(`guest ${index}`)));
});

test('closing works while the machine runs, and twice', async () => {
  const { host, output } = await startEcho();
  await host.call('resume');
  await output('>');
  await Promise.all([host.close(), host.close()]);
  await host.close();
  await expect(host.call('status')).rejects.toThrow('cannot ask for status: the machine is closed');
});

test('a machine that cannot be built says why', async () => {
  const config = machineConfig({ boot: { kernel: join(folder, 'nothing'), commandLine: '' } });
  await expect(MachineHost.start(config)).rejects.toThrow('ENOENT');
});
